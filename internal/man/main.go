// Command man writes the manual pages, one for each command, from what the program
// says of itself. It is no part of the program: cobra's generator brings a Markdown
// parser and templates.
//
//	man DIR VERSION
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"sluice/internal/app"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("say the folder and the version: man DIR VERSION")
	}
	return write(args[0], args[1])
}

// write writes the pages into a folder. Equal programs and versions make equal pages.
func write(dir, version string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pages are for everybody
		return err
	}
	root := app.Commands()
	plain(root)
	never := time.Unix(0, 0).UTC()
	return doc.GenManTree(root, &doc.GenManHeader{Title: "SLUICE", Section: "1", Date: &never, Source: "Sluice " + version, Manual: "Sluice"}, dir)
}

// plain leaves out when and by what pages were made.
func plain(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	for _, sub := range cmd.Commands() {
		plain(sub)
	}
}
