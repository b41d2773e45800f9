// Command release does what a release needs beside building: it gathers the notes,
// makes and publishes the image of the built binaries, and says what is still to be
// done before anything can be published. `.github/release.sh` calls it in order.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: release notes VERSION | image [flags] | pull [flags] REFERENCE | check [FOLDER]")

// run carries one command out and prints its result to out.
func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	switch command, rest := args[0], args[1:]; command {
	case "notes":
		return runNotes(rest, out)
	case "image":
		return runImage(ctx, rest, env, out)
	case "pull":
		return runPull(ctx, rest, out)
	case "check":
		return runCheck(rest, out)
	default:
		return errUsage
	}
}

func runNotes(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	notes, err := moveNotes(".", args[0], time.Now())
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, notes)
	return err
}

// runImage publishes the image and prints its name with its digest.
func runImage(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var i image
	flags.StringVar(&i.Dist, "dist", "dist", "folder of the built binaries")
	flags.StringVar(&i.Certificates, "certificates", "/etc/ssl/certs/ca-certificates.crt", "authorities that the image trusts, PEM")
	flags.StringVar(&i.Name, "name", "", "registry/owner/name")
	flags.StringVar(&i.Version, "version", "", "such as v1.2.3")
	flags.StringVar(&i.Source, "source", "", "URL of the repository")
	flags.StringVar(&i.Revision, "revision", "", "commit that it was built from")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reference, err := i.publish(ctx, env("REGISTRY_USER"), env("REGISTRY_TOKEN"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, reference)
	return err
}

func runPull(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("pull", flag.ContinueOnError)
	dist := flags.String("dist", "dist", "folder of the binaries that the image must hold")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errUsage
	}
	return pull(ctx, flags.Arg(0), *dist, out)
}

func runCheck(args []string, out io.Writer) error {
	root := "."
	if len(args) == 1 {
		root = args[0]
	}
	missing, err := unready(root)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if _, err := fmt.Fprintln(out, m); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d things are to be done before a release", len(missing))
	}
	_, err = fmt.Fprintln(out, "ready to publish")
	return err
}
