// Package exec imitates the programs that users write for platforms of their own: a
// platform of releases that takes a moment for each effect, splits traffic and can go
// back. It answers the protocol's documents over HTTP in the place of every program, so
// that a rehearsal starts none.
//
// Each rule cites the line of docs/platforms.md that it stands on.
package exec

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
	"sluice/pipeline"
)

// The fault kinds that the emulator adds. They apply to requests that begin an effect.
const (
	FaultFail sandbox.FaultKind = "fail" // the effect fails
	FaultHang sandbox.FaultKind = "hang" // it never ends
)

// Emulator stands for all programs. Its zero value is not usable; see [New].
type Emulator struct {
	// Step is how long an effect takes.
	Step time.Duration

	now     func() time.Time
	state   state
	targets map[string][]string // pipeline targets by their resource
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
	_ sandbox.Faulter  = (*Emulator)(nil)
)

// New has no releases, on the clock now. Effects take a second.
func New(now func() time.Time) *Emulator {
	return &Emulator{Step: time.Second, now: now, state: newState(), targets: map[string][]string{}}
}

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Releases []release         `json:"releases"` // oldest first
	Places   map[string]*place `json:"places"`   // by resource
	Made     int               `json:"made"`     // effects ever begun
}

type release struct {
	ID         string    `json:"id"`
	CreateTime time.Time `json:"createTime"`
}

// place is what one resource runs.
type place struct {
	Runs    string `json:"runs"`
	Canary  string `json:"canary,omitempty"`
	Percent string `json:"percent,omitempty"`
	Changes int    `json:"changes"`        // since it was made
	Work    *work  `json:"work,omitempty"` // the newest effect, over or not
}

// work is an effect on a place.
type work struct {
	ID      string    `json:"id"`
	Key     string    `json:"key"`
	Runs    string    `json:"runs"`
	Canary  string    `json:"canary,omitempty"`
	Percent string    `json:"percent,omitempty"`
	Ends    time.Time `json:"ends"`
	Fault   string    `json:"fault,omitempty"`
	Over    bool      `json:"over,omitempty"`
}

func newState() state { return state{Releases: []release{}, Places: map[string]*place{}} }

// Platform implements sandbox.Emulator.
func (e *Emulator) Platform() string { return "exec" }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{"SLUICE_EXEC_URL": base}
}

// FaultKinds implements sandbox.Faulter.
func (e *Emulator) FaultKinds() []string { return []string{string(FaultFail), string(FaultHang)} }

// Save implements sandbox.Emulator.
func (e *Emulator) Save() ([]byte, error) { return json.MarshalIndent(e.state, "", " ") }

// Restore implements sandbox.Emulator.
func (e *Emulator) Restore(saved []byte) error { return sandbox.Restored(&e.state, saved, newState()) }

const day = 24 * time.Hour

// Seed implements sandbox.Emulator: there is a release for each of the pipeline's
// stages. The first stage runs the newest, each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	for position, stage := range p.Stages {
		for _, t := range stage.Targets {
			if t.Platform.Platform != e.Platform() {
				continue
			}
			var config struct{ Resource string }
			if err := json.Unmarshal(t.Config, &config); err != nil {
				return fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			e.seedReleases(max(len(p.Stages), 2))
			e.seedPlace(t.Name.Value, config.Resource, position)
		}
	}
	return nil
}

func (e *Emulator) seedReleases(n int) {
	for age := n - len(e.state.Releases); age > 0; age-- {
		e.state.Releases = append(e.state.Releases, release{
			ID: fmt.Sprintf("release-%d", len(e.state.Releases)+1), CreateTime: e.now().UTC().Add(-time.Duration(age) * day),
		})
	}
}

// seedPlace learns a target and makes its resource where that is missing.
func (e *Emulator) seedPlace(target, resource string, position int) {
	if !slices.Contains(e.targets[resource], target) {
		e.targets[resource] = append(e.targets[resource], target)
	}
	if e.state.Places[resource] == nil {
		runs := e.state.Releases[max(len(e.state.Releases)-1-position, 0)]
		e.state.Places[resource] = &place{Runs: runs.ID}
	}
}

// Intrude implements sandbox.Intruder: somebody else puts a hot fix there.
func (e *Emulator) Intrude(target string) error {
	for resource, names := range e.targets {
		p := e.state.Places[resource]
		if !slices.Contains(names, target) || p == nil {
			continue
		}
		r := release{ID: fmt.Sprintf("hotfix-%d", len(e.state.Releases)+1), CreateTime: e.now().UTC()}
		e.state.Releases = append(e.state.Releases, r)
		*p = place{Runs: r.ID, Changes: p.Changes + 1}
		return nil
	}
	return fmt.Errorf("no target %q was seeded", target)
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, _ *http.Request, why sandbox.Refusal) {
	switch why {
	case sandbox.Throttle:
		write(w, http.StatusTooManyRequests, problem("retryable", "too many requests; try again in a second", ""))
	case sandbox.Denied:
		write(w, http.StatusForbidden, problem("denied", "the token may not change this", "give the token the right to deploy"))
	default:
		write(w, http.StatusInternalServerError, problem("unknown", "something broke", ""))
	}
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	q, _ := questionOf(r, body) //nolint:errcheck // refused when it is served
	a := sandbox.Action{Kind: sandbox.Read, Targets: slices.Clone(e.targets[q.Target.Resource])}
	if r.Method != http.MethodGet {
		a.Kind = q.Effect.Kind
	}
	if !slices.Contains(kinds(), a.Kind) && a.Kind != sandbox.Read {
		a.Kind = sandbox.Other
	}
	return a
}
