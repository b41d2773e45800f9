// Package exec imitates the programs that users write for platforms of their own: a
// platform of releases that takes a moment for each effect, splits traffic and can go
// back. It answers the protocol's documents over HTTP in the place of every program, so
// that a rehearsal starts none.
//
// Each rule cites the line of docs/platforms.md that it stands on.
package exec

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// The fault kinds that the emulator adds. They apply to requests that begin an effect.
const (
	FaultFail = kit.Fail // the effect fails
	FaultHang = kit.Hang // it never ends
)

type core = kit.Core[state, string]

// Emulator stands for all programs. Its zero value is not usable; see [New]. Its targets
// are kept by their resource.
type Emulator struct {
	core

	// Step is how long an effect takes.
	Step time.Duration
}

var (
	_ sandbox.Emulator = (*Emulator)(nil)
	_ sandbox.Intruder = (*Emulator)(nil)
)

// New has no releases, on the clock now. Effects take a second.
func New(now func() time.Time) *Emulator {
	return &Emulator{core: kit.NewCore[string]("exec", now, newState, FaultFail, FaultHang), Step: time.Second}
}

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Releases  []release         `json:"releases"` // oldest first
	Places    map[string]*place `json:"places"`   // by resource
	kit.Count                   // of effects ever begun
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
	ID      string `json:"id"`
	Key     string `json:"key"`
	Runs    string `json:"runs"`
	Canary  string `json:"canary,omitempty"`
	Percent string `json:"percent,omitempty"`
	Over    bool   `json:"over,omitempty"`
	kit.Work
}

func newState() state { return state{Releases: []release{}, Places: map[string]*place{}} }

// Env implements sandbox.Emulator.
func (e *Emulator) Env(base string) map[string]string {
	return map[string]string{"SLUICE_EXEC_URL": base}
}

type config struct{ Resource string }

// Seed implements sandbox.Emulator: there is a release for each of the pipeline's
// stages. The first stage runs the newest, each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), nil, func(s kit.Seat[config]) {
		e.seedReleases(max(len(p.Stages), 2))
		resource := s.Config.Resource
		e.Targets.Learn(resource, s.Name())
		if e.State.Places[resource] == nil {
			runs := e.State.Releases[max(len(e.State.Releases)-1-s.Stage, 0)]
			e.State.Places[resource] = &place{Runs: runs.ID}
		}
	})
}

func (e *Emulator) seedReleases(n int) {
	for age := n - len(e.State.Releases); age > 0; age-- {
		e.State.Releases = append(e.State.Releases, release{
			ID: fmt.Sprintf("release-%d", len(e.State.Releases)+1), CreateTime: e.Now().UTC().Add(-time.Duration(age) * kit.Day),
		})
	}
}

// Intrude implements sandbox.Intruder: somebody else puts a hot fix there.
func (e *Emulator) Intrude(target string) error {
	p, err := kit.Named(e.Targets, target, e.State.Places)
	if err != nil {
		return err
	}
	r := release{ID: fmt.Sprintf("hotfix-%d", len(e.State.Releases)+1), CreateTime: e.Now().UTC()}
	e.State.Releases = append(e.State.Releases, r)
	*p = place{Runs: r.ID, Changes: p.Changes + 1}
	return nil
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
	a := sandbox.Action{Kind: sandbox.Read, Targets: slices.Clone(e.Targets[q.Target.Resource])}
	if r.Method != http.MethodGet {
		a.Kind = q.Effect.Kind
	}
	if !slices.Contains(kinds(), a.Kind) && a.Kind != sandbox.Read {
		a.Kind = sandbox.Other
	}
	return a
}
