package heroku

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/kit"
)

// state is everything that the account has.
type state struct {
	Apps       map[string]*app            `json:"apps"`       // by id
	Slugs      map[string]*slug           `json:"slugs"`      // by id
	Pipelines  map[string]*herokuPipeline `json:"pipelines"`  // by id
	Couplings  map[string]*coupling       `json:"couplings"`  // by app id
	Promotions map[string]*promoted       `json:"promotions"` // by id
	kit.Count
}

func newState() state {
	return state{
		Apps: map[string]*app{}, Slugs: map[string]*slug{}, Pipelines: map[string]*herokuPipeline{},
		Couplings: map[string]*coupling{}, Promotions: map[string]*promoted{},
	}
}

type app struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Stack      string            `json:"stack"`
	BuildStack string            `json:"buildStack"`
	Config     map[string]string `json:"config"`
	Buildpacks []string          `json:"buildpacks"`
	Created    time.Time         `json:"created"`
	Releases   []*release        `json:"releases"` // oldest first
}

type slug struct {
	ID        string            `json:"id"`
	App       string            `json:"app"` // where it was built
	Stack     string            `json:"stack"`
	Commit    string            `json:"commit"`
	Comment   string            `json:"comment"`
	Processes map[string]string `json:"processes"`
	Created   time.Time         `json:"created"`
}

type release struct {
	ID          string    `json:"id"`
	Version     int       `json:"version"`
	Status      string    `json:"status"`
	Slug        string    `json:"slug"`
	Description string    `json:"description"`
	Created     time.Time `json:"created"`
	Visible     time.Time `json:"visible"` // not shown before
	Phase       bool      `json:"phase"`   // it has a release phase
	Looks       int       `json:"looks"`   // at the pending release until its phase is over; below 0 it never is
	Ends        string    `json:"ends"`    // the status that it will have then
}

type herokuPipeline struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
}

type coupling struct {
	ID       string    `json:"id"`
	App      string    `json:"app"`
	Pipeline string    `json:"pipeline"`
	Stage    string    `json:"stage"`
	Created  time.Time `json:"created"`
}

type promoted struct {
	ID       string            `json:"id"`
	Pipeline string            `json:"pipeline"`
	Source   string            `json:"source"`
	Release  string            `json:"release"` // of the source
	Targets  []*promotedTarget `json:"targets"`
	Created  time.Time         `json:"created"`
}

type promotedTarget struct {
	ID      string `json:"id"`
	App     string `json:"app"`
	Release string `json:"release"` // "" for none
	Error   string `json:"error"`   // why there is none
}

// The statuses of a release and of a promotion target.
const (
	pending   = "pending"
	succeeded = "succeeded"
	failed    = "failed"
)

// fixedID is the id of something that is seeded: the same every time.
func fixedID(kind string, names ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "heroku/%s/%q", kind, names)).String()
}

// newID is the id of the next thing that is made.
func (s *state) newID(kind string) string {
	return fixedID(kind, fmt.Sprint(s.Next()))
}

// app finds an app by id or name.
func (s *state) app(idOrName string) (*app, error) {
	if a := s.Apps[idOrName]; a != nil {
		return a, nil
	}
	return found(kit.Find(kit.Sorted(s.Apps), func(a *app) bool { return a.Name == idOrName }), "app")
}

// release finds one of the app's releases by id or version.
func (a *app) release(idOrVersion string) *release {
	return kit.Find(a.Releases, func(r *release) bool { return r.ID == idOrVersion || fmt.Sprint(r.Version) == idOrVersion })
}

// current is the release that runs, nil for none.
//
// docs/platforms.md: "A failed release phase leaves the release that ran before in place"
func (a *app) current() *release {
	for _, r := range slices.Backward(a.Releases) {
		if r.Status == succeeded {
			return r
		}
	}
	return nil
}

// look brings a pending release on: when it was looked at often enough its
// release phase is over.
func (e *Emulator) look(r *release) {
	if r.Status != pending || r.Looks < 0 {
		return
	}
	e.Move()
	if r.Looks--; r.Looks <= 0 {
		r.Status = r.Ends
	}
}

// visible lists the releases that are shown at a time.
func (a *app) visible(now time.Time) []*release {
	return slices.DeleteFunc(slices.Clone(a.Releases), func(r *release) bool { return r.Visible.After(now) })
}

func short(id string) string { return id[:min(8, len(id))] }
