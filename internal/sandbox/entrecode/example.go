package entrecode

import (
	"strings"

	"sluice/internal/sandbox"
)

// Example implements sandbox.Exampler: an app has a platform for each of two stages,
// and one that is named has a target.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	app, platform, one := strings.Cut(names[0], "/")
	if one {
		return []sandbox.Example{{Stage: "production", Target: "production", Config: config{AppID: app, PlatformID: platform, TargetIDs: []string{platform + "-1"}}}}
	}
	var places []sandbox.Example
	for _, stage := range []string{"staging", "production"} {
		places = append(places, sandbox.Example{Stage: stage, Target: stage, Config: config{
			AppID: app, PlatformID: app + "-" + stage, TargetIDs: []string{app + "-" + stage + "-1"},
		}})
	}
	return places
}
