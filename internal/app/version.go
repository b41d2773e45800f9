package app

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is what the linker sets at a release.
var Version = "" //nolint:gochecknoglobals // -X can set nothing else

func versionCommand(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version",
		Example: `  sluice version
  sluice version --output json`,
		RunE: func(*cobra.Command, []string) error {
			v := versionOf(debug.ReadBuildInfo())
			inv.result = &result{
				text:  versionLine(),
				extra: map[string]any{"version": v, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH},
			}
			return nil
		},
	}
}

// versionLine is the version and what it was built with and for.
func versionLine() string {
	return "sluice " + versionOf(debug.ReadBuildInfo()) + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// versionOf is the release's version, else the module's, else (devel).
func versionOf(info *debug.BuildInfo, ok bool) string {
	switch {
	case Version != "":
		return Version
	case ok && info.Main.Version != "":
		return info.Main.Version
	default:
		return "(devel)"
	}
}
