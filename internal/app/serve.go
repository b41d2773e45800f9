package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/measured"
)

func sandboxCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sandbox", Short: "Serve the platforms' APIs on loopback for rehearsals, until stopped",
		Long: `Sandbox serves emulators of the platforms on loopback, seeded from the pipeline
file, and prints the environment that leads to them; unmodified clients of the
platforms, and Sluice without --sandbox, then work against them.`,
		Example: `  sluice sandbox --file sluice.yaml > environment &
  . ./environment   # then use the platform's own client, or Sluice without --sandbox`,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), inv) },
	}
	cmd.Flags().StringVar(&inv.flags.listen, "listen", "127.0.0.1:0", "loopback `address`; with a port, each platform takes the next one")
	return cmd
}

// serve serves the emulators until ctx ends. Without a pipeline file it serves
// all of them, empty.
func serve(ctx context.Context, inv *invocation) error {
	pipelines, problems, err := inv.parse()
	if len(problems) > 0 {
		show(inv.runner, inv.Stderr, problems)
	}
	var u *usageError
	if err != nil && (!errors.As(err, &u) || len(inv.flags.files) > 0) {
		return err
	}
	inv.flags.sandbox = true
	faults, err := inv.flags.inSandbox()
	if err != nil {
		return err
	}
	server, sources, err := inv.emulate(ctx, pipelines, faults, inv.flags.listen)
	if err != nil {
		return err
	}
	env := server.Env()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		_, _ = fmt.Fprintf(inv.Stdout, "export %s=%s\n", name, env[name]) // nobody is left to tell
	}
	tellAddresses(inv.Stdout, server, sources)
	<-ctx.Done()
	return nil
}

// tellAddresses says, as comments, where the URLs of checks are served that no
// variable leads to.
func tellAddresses(w io.Writer, server *sandbox.Server, sources *measured.Sources) {
	if sources == nil {
		return
	}
	addresses := sources.Addresses(server.Beside())
	for _, from := range slices.Sorted(maps.Keys(addresses)) {
		_, _ = fmt.Fprintf(w, "# %s is served at %s\n", from, addresses[from]) // nobody is left to tell
	}
}
