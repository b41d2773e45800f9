package heroku

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// The statuses of a release and of a promotion target.
const (
	pending   = "pending"
	succeeded = "succeeded"
	failed    = "failed"
)

// release is a release of an app.
type release struct {
	releaseBody
	Visible time.Time `json:"visible"` // not shown before
	Phase   bool      `json:"phase"`   // it has a release phase
	Looks   int       `json:"looks"`   // at the pending release until its phase is over; below 0 it never is
	Ends    string    `json:"ends"`    // the status that it will have then
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

// visible lists the releases that are shown at a time.
func (a *app) visible(now time.Time) []*release {
	return kit.Those(a.Releases, func(r *release) bool { return !r.Visible.After(now) })
}

// look brings a pending release on: when it was looked at often enough its
// release phase is over.
func (acc account) look(r *release) {
	if r.Status != pending || r.Looks < 0 {
		return
	}
	acc.moves.Move()
	if r.Looks--; r.Looks <= 0 {
		r.Status = r.Ends
	}
}

// looksOfPhase is how often a pending release is looked at until its release
// phase is over.
const looksOfPhase = 2

// releaseBody is a release as the API shows it.
//
// docs/platforms.md: "a nullable `slug` and a nullable `output_stream_url`"
type releaseBody struct {
	ID          string   `json:"id"`
	App         ref      `json:"app"`
	Version     int      `json:"version"`
	Status      string   `json:"status"`
	Current     bool     `json:"current"`
	Eligible    bool     `json:"eligible_for_rollback"`
	Description string   `json:"description"`
	Slug        *ref     `json:"slug"`
	Output      *string  `json:"output_stream_url"`
	User        ref      `json:"user"`
	Plans       []string `json:"addon_plan_names"`
	times
}

func (acc account) shown(a *app, r *release) any {
	b := r.releaseBody
	b.Current, b.Eligible = r == a.current(), r.Slug != nil && r.Status == succeeded
	if r.Phase {
		b.Output = new(acc.base + "/streams/" + r.ID)
	}
	return b
}

// addRelease adds a release of a slug, or of none, that is over. Where there is a slug, the
// app is on its next stack.
//
// docs/platforms.md: "`build_stack` is what the next release will be on, `stack` what the last one is"
func (a *app) addRelease(id, description string, made time.Time, s *slug) *release {
	r := &release{releaseBody: releaseBody{
		ID: id, App: ref{ID: a.ID, Name: a.Name}, Version: 1, Status: succeeded, Description: description,
		User: ref{ID: ownerID(), Email: ownerEmail}, Plans: []string{}, times: at(made),
	}}
	if last := kit.Newest(a.Releases); last != nil {
		r.Version = last.Version + 1
	}
	if s != nil {
		r.Slug, a.Stack = &ref{ID: s.ID}, a.BuildStack
	}
	a.Releases = append(a.Releases, r)
	return r
}

// release makes a release of a slug, or of none, on an app. Where the slug has a
// release process, its phase runs first.
func (acc account) release(a *app, s *slug, description string) *release {
	r := a.addRelease(acc.newID("release"), description, acc.now, s)
	if s != nil && s.Processes["release"] != "" {
		r.Phase, r.Status, r.Looks, r.Ends = true, pending, looksOfPhase, succeeded
	}
	return r
}

// fault is the one that is for an app, "" for none.
func (c *call) fault(a *app) sandbox.FaultKind {
	if !slices.Contains(c.targets[a.ID], sandbox.FaultTarget(c.Request)) {
		return ""
	}
	return sandbox.FaultOf(c.Request)
}

// spoil does to a release what a fault of its target asks for.
func (c *call) spoil(a *app, made *release) {
	switch c.fault(a) {
	case faultFail:
		made.Phase, made.Status, made.Looks, made.Ends = true, pending, looksOfPhase, failed
	case faultHang:
		made.Phase, made.Status, made.Looks = true, pending, -1
	case faultLate:
		made.Visible = c.now.Add(lateBy)
	}
}

func getReleases(c *call, a *app) (any, error) {
	visible := a.visible(c.now)
	for _, made := range visible {
		c.look(made)
	}
	return listOf(visible, func(r *release) any { return c.shown(a, r) }, "version", "id"), nil
}

func getRelease(c *call, a *app) (any, error) {
	made := a.release(c.PathValue("release"))
	if made == nil || made.Visible.After(c.now) {
		return nil, notFound("release")
	}
	c.look(made)
	return c.shown(a, made), nil
}

// createRelease runs a slug, or rolls back to a release.
//
// docs/platforms.md: "`POST /apps/{app}/releases` {slug} runs a slug, of another app too; it answers the release"
// docs/platforms.md: "Rolling back: `POST /apps/{app}/releases` {release: id} ; it makes a new release."
func createRelease(c *call, a *app, body *struct{ Slug, Release, Description string }) (any, error) {
	if body.Release != "" {
		old := a.release(body.Release)
		if old == nil {
			return nil, notFound("release")
		}
		if old.Slug == nil || old.Status != succeeded {
			return nil, invalid("Cannot roll back to v%d.", old.Version)
		}
		body.Slug, body.Description = old.Slug.ID, fmt.Sprintf("Rollback to v%d", old.Version)
	}
	s := c.Slugs[body.Slug]
	if s == nil {
		return nil, notFound("slug")
	}
	if body.Description == "" {
		body.Description = "Deploy " + short(s.Commit)
	}
	made := c.release(a, s, body.Description)
	c.spoil(a, made)
	return c.shown(a, made), nil
}

// printed is what a release phase prints.
func (r *release) printed(a *app) string {
	text := fmt.Sprintf("Running release command for %s v%d…\n", a.Name, r.Version)
	switch r.Ends {
	case failed:
		return text + "Error: relation \"carts\" does not exist\nrelease command failed with exit status 1\n"
	case succeeded:
		return text + "Migrations: done.\n"
	default:
		return text
	}
}

// stream is what a release phase prints. It asks for no token.
//
// docs/platforms.md: "What a release phase prints is on another host, which must not get the token"
func (e *Emulator) stream(w http.ResponseWriter, r *http.Request) {
	acc := e.account()
	for _, a := range acc.Apps {
		made := a.release(r.PathValue("release"))
		if made == nil || !made.Phase {
			continue
		}
		if r.Header.Get("Authorization") != "" {
			acc.writeError(w, r, invalid("the token was sent to the host of release outputs"))
			return
		}
		acc.look(made)
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, made.printed(a)) //nolint:errcheck // into a buffer
		return
	}
	acc.writeError(w, r, notFound("stream"))
}
