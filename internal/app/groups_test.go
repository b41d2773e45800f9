package app

import (
	"io"
	"slices"
	"testing"

	"github.com/spf13/cobra"
)

func quietly() *invocation { return newInvocation(Process{Stdout: io.Discard, Stderr: io.Discard}) }

// The list of commands has each by the name by which a command line calls it.
func TestCommandsHaveTheirNames(t *testing.T) {
	inv := quietly()
	for _, g := range groups() {
		for _, c := range g.commands {
			if built := c.build(inv); built.Name() != c.name || len(built.Aliases) > 0 {
				t.Errorf("%q builds the command %q, also called %v", c.name, built.Name(), built.Aliases)
			}
		}
	}
}

// Whatever a command line says, it means the same command of the part of the tree that is
// built for it as of the whole.
func TestPartOfTheTreeServesAsTheWhole(t *testing.T) {
	lines := [][]string{
		{}, {"version"}, {"--output", "json", "version"}, {"-o", "json", "promote", "production", "--target", "plan"}, {"promote", "lock", "--to", "status"},
		{"state", "show", "--file", "version"}, {"state", "shwo"}, {"state"}, {"promot", "--to", "status"}, {"--file", "promote"}, {"--file", "promote", "validate"},
		{"help", "promote"}, {"promote", "--help"}, {"completion", "bash"}, {"__complete", "promote", "--to", ""}, {"--nothing", "version"}, {"--version"},
		{"on-comment", "--debug"}, {"history", "--", "version"}, {"--", "version"},
	}
	for _, line := range lines {
		part, whole := quietly().tree(line), quietly().root()
		got, gotArgs, gotErr := part.Find(line)
		want, wantArgs, wantErr := whole.Find(line)
		if got.CommandPath() != want.CommandPath() || !slices.Equal(gotArgs, wantArgs) || (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%q is %s %q, of the whole tree %s %q (%v, %v)", line, got.CommandPath(), gotArgs, want.CommandPath(), wantArgs, gotErr, wantErr)
		}
		if want == whole && len(part.Commands()) != len(whole.Commands()) {
			t.Errorf("%q names no command, and %d of %d are there to be suggested", line, len(part.Commands()), len(whole.Commands()))
		}
	}
}

func TestShortCommandBuildsItselfAlone(t *testing.T) {
	names := func(root *cobra.Command) (all []string) {
		for _, c := range root.Commands() {
			all = append(all, c.Name())
		}
		return all
	}
	if got := names(quietly().tree([]string{"version", "--output", "json"})); !slices.Equal(got, []string{"version"}) {
		t.Errorf("for `sluice version` there are built: %v", got)
	}
}
