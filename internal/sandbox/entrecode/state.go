package entrecode

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Apps        map[string]*app      `json:"apps"`
	Platforms   map[string]*platform `json:"platforms"`
	Builds      map[int]*build       `json:"builds"`
	Deployments map[int]*deployment  `json:"deployments"`
	Events      int                  `json:"events"` // events ever made: ids are not used again
}

func newState() state {
	return state{
		Apps: map[string]*app{}, Platforms: map[string]*platform{},
		Builds: map[int]*build{}, Deployments: map[int]*deployment{},
	}
}

// app is what everything else belongs to; apps share nothing.
type app struct {
	ID      string    `json:"appID"`
	Title   string    `json:"title"`
	Created time.Time `json:"created"`
}

// platform is a configuration to build and deploy an app with.
type platform struct {
	ID      string   `json:"platformID"`
	App     string   `json:"app"`
	Title   string   `json:"title"`
	Type    string   `json:"platformType"`
	Targets []string `json:"targets"`
}

// build is what is deployed.
type build struct {
	ID       int       `json:"buildID"`
	Platform string    `json:"platform"`
	Status   string    `json:"successful"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Position int       `json:"position"` // of the pipeline's stages, for which it was seeded; -1 for none
}

// deployment is a build on its way to targets, or there.
type deployment struct {
	ID       int       `json:"deploymentID"`
	Build    int       `json:"build"`
	Platform string    `json:"platform"`
	Targets  []string  `json:"targets"`
	Status   string    `json:"successful"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Results  []any     `json:"results,omitempty"`
	Events   []event   `json:"events"`
	Creator  string    `json:"creator"`
	Plan     string    `json:"plan,omitempty"`  // the fault that applies to it
	Reads    int       `json:"reads,omitempty"` // how often it was read while it ran
}

// event is one line of a deployment's history.
type event struct {
	ID        int       `json:"id"`
	Type      string    `json:"type"`
	Time      time.Time `json:"time"`
	Message   string    `json:"message"`
	Temporary bool      `json:"temporary"`
}

// The values of "successful".
const (
	success = "success"
	failure = "error"
	running = "running"
)

// A deployment runs until it was read so often or took so long, whichever
// comes first: it ends with the client's polling, on any clock.
const (
	readsToEnd = 2
	timeToEnd  = 5 * time.Second
)

// addBuild makes a build that took a minute and succeeded.
func (s *state) addBuild(platform string, position int, started time.Time) *build {
	b := &build{
		ID: nextID(s.Builds, 100), Platform: platform, Status: success, Position: position,
		Started: started, Finished: started.Add(time.Minute),
	}
	s.Builds[b.ID] = b
	return b
}

// addDeployment starts a deployment.
func (s *state) addDeployment(b int, platform string, targets []string, now time.Time) *deployment {
	d := &deployment{
		ID: nextID(s.Deployments, 1000), Build: b, Platform: platform, Targets: targets,
		Status: running, Started: now, Creator: "somebody@example.com",
	}
	s.Deployments[d.ID] = d
	s.note(d, now, "verbose", "Created temp dir.", true)
	s.note(d, now, "info", "deploying to selected targets", true)
	return d
}

// nextID is one more than the highest id, or than first.
func nextID[V any](m map[int]V, first int) int {
	return slices.Max(append(slices.Collect(maps.Keys(m)), first)) + 1
}

func (s *state) note(d *deployment, now time.Time, kind, message string, temporary bool) {
	s.Events++
	d.Events = append(d.Events, event{s.Events, kind, now, message, temporary})
}

// end ends a deployment as its plan says.
func (s *state) end(d *deployment, now time.Time) {
	switch d.Plan {
	case string(FaultHang):
		return
	case string(FaultFail):
		s.note(d, now, "info", "… finished target deployment.", false)
		s.note(d, now, "error", "Upload to "+d.Targets[0]+" failed: no space left on device", false)
		d.Status = failure
	case string(FaultUnknown):
		d.Status = "skipped"
	default:
		for _, id := range d.Targets {
			d.Results = append(d.Results, fmt.Sprintf("https://cdn.example.com/%s/%d.zip", id, d.ID))
		}
		d.Results = append(d.Results, map[string]any{"size": 3420035 + d.ID})
		s.note(d, now, "plugin-note", "a type that no document names", true)
		s.note(d, now, "info", "… finished target deployment.", false)
		d.Status = success
	}
	d.Finished = now
}

// settle ends what has taken its time.
func (s *state) settle(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(s.Deployments)) {
		if d := s.Deployments[id]; d.Status == running && now.Sub(d.Started) >= timeToEnd {
			s.end(d, now)
		}
	}
}

// current is the newest successful deployment that covers the targets; nil
// where there is none.
func (s *state) current(platform string, targets []string) *deployment {
	return newest(s.Deployments, func(d *deployment) bool {
		return d.Platform == platform && d.Status == success && covers(d.Targets, targets)
	})
}

func covers(targets, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(id string) bool { return !slices.Contains(targets, id) })
}

// token is a piece of an address: it looks like nothing, and stays the same.
func token(parts ...string) string { return kit.Hash(5, strings.Join(parts, "\x00")) }
