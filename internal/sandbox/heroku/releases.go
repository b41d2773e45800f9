package heroku

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
)

// looksOfPhase is how often a pending release is looked at until its release
// phase is over.
const looksOfPhase = 2

type releaseBody struct {
	ID          string    `json:"id"`
	App         ref       `json:"app"`
	Version     int       `json:"version"`
	Status      string    `json:"status"`
	Current     bool      `json:"current"`
	Eligible    bool      `json:"eligible_for_rollback"`
	Description string    `json:"description"`
	Slug        *ref      `json:"slug"`
	Output      *string   `json:"output_stream_url"`
	User        ref       `json:"user"`
	Plans       []string  `json:"addon_plan_names"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
}

// shown is a release as the API shows it.
//
// docs/platforms.md: "a nullable `slug` and a nullable `output_stream_url`"
func (e *Emulator) shown(a *app, r *release) releaseBody {
	b := releaseBody{
		ID: r.ID, App: ref{ID: a.ID, Name: a.Name}, Version: r.Version, Status: r.Status, Current: r == a.current(),
		Eligible:    r.Slug != "" && r.Status == succeeded,
		Description: r.Description, User: ref{ID: ownerID(), Email: ownerEmail}, Plans: []string{}, Created: r.Created, Updated: r.Created,
	}
	if r.Slug != "" {
		b.Slug = &ref{ID: r.Slug}
	}
	if r.Phase {
		url := e.base + "/streams/" + r.ID
		b.Output = &url
	}
	return b
}

// release makes a release of a slug, or of none, on an app. Where the slug has a
// release process, its phase runs first.
//
// docs/platforms.md: "`build_stack` is what the next release will be on, `stack` what the last one is"
func (e *Emulator) release(a *app, slugID, description string) *release {
	now := e.Now().UTC().Truncate(time.Second)
	version := 1
	if n := len(a.Releases); n > 0 {
		version = a.Releases[n-1].Version + 1
	}
	r := &release{ID: e.State.newID("release"), Version: version, Status: succeeded, Slug: slugID, Description: description, Created: now}
	if s := e.State.Slugs[slugID]; s != nil {
		a.Stack = a.BuildStack
		if s.Processes["release"] != "" {
			r.Phase, r.Status, r.Looks, r.Ends = true, pending, looksOfPhase, succeeded
		}
	}
	a.Releases = append(a.Releases, r)
	return r
}

// spoil does to a release what a fault of its target asks for.
func (e *Emulator) spoil(r *http.Request, a *app, made *release) {
	if !slices.Contains(e.Targets[a.ID], sandbox.FaultTarget(r)) {
		return
	}
	switch sandbox.FaultOf(r) {
	case faultFail:
		made.Phase, made.Status, made.Looks, made.Ends = true, pending, looksOfPhase, failed
	case faultHang:
		made.Phase, made.Status, made.Looks = true, pending, -1
	case faultLate:
		made.Visible = e.Now().Add(lateBy)
	}
}

func (e *Emulator) getReleases(_ *http.Request, a *app, _ *none) (any, error) {
	visible := a.visible(e.Now())
	for _, made := range visible {
		e.look(made)
	}
	return listOf("version", visible, func(r *release) item {
		return item{map[string]string{"version": versionKey(r.Version), "id": r.ID}, e.shown(a, r)}
	}), nil
}

func (e *Emulator) getRelease(r *http.Request, a *app, _ *none) (any, error) {
	made := a.release(r.PathValue("release"))
	if made == nil || made.Visible.After(e.Now()) {
		return nil, notFound("release")
	}
	e.look(made)
	return e.shown(a, made), nil
}

// createRelease runs a slug, or rolls back to a release.
//
// docs/platforms.md: "`POST /apps/{app}/releases` {slug} runs a slug, of another app too; it answers the release"
// docs/platforms.md: "Rolling back: `POST /apps/{app}/releases` {release: id} ; it makes a new release."
func (e *Emulator) createRelease(r *http.Request, a *app, body *struct{ Slug, Release, Description string }) (any, error) {
	if body.Release != "" {
		old := a.release(body.Release)
		if old == nil {
			return nil, notFound("release")
		}
		if old.Slug == "" || old.Status != succeeded {
			return nil, invalid("Cannot roll back to v%d.", old.Version)
		}
		body.Slug, body.Description = old.Slug, fmt.Sprintf("Rollback to v%d", old.Version)
	}
	s := e.State.Slugs[body.Slug]
	if s == nil {
		return nil, notFound("slug")
	}
	if body.Description == "" {
		body.Description = "Deploy " + short(s.Commit)
	}
	made := e.release(a, s.ID, body.Description)
	e.spoil(r, a, made)
	return e.shown(a, made), nil
}

type slugBody struct {
	ID        string            `json:"id"`
	Stack     ref               `json:"stack"`
	Commit    string            `json:"commit"`
	Comment   string            `json:"commit_description"`
	Processes map[string]string `json:"process_types"`
	Blob      map[string]string `json:"blob"`
	Created   time.Time         `json:"created_at"`
	Updated   time.Time         `json:"updated_at"`
}

func (s *slug) body(method string) slugBody {
	return slugBody{
		ID: s.ID, Stack: stackRef(s.Stack), Commit: s.Commit, Comment: s.Comment, Processes: s.Processes,
		Blob:    map[string]string{"method": method, "url": "https://slugs.example.com/" + s.ID},
		Created: s.Created, Updated: s.Created,
	}
}

// addSlug makes a slug that was built on an app.
func (e *Emulator) addSlug(a *app, comment string, processes map[string]string) *slug {
	id := e.State.newID("slug")
	s := &slug{
		ID: id, App: a.ID, Stack: a.BuildStack, Commit: fixedID("commit", id), Comment: comment, Processes: processes,
		Created: e.Now().UTC().Truncate(time.Second),
	}
	e.State.Slugs[id] = s
	return s
}

type createSlugInput struct {
	Processes map[string]string `json:"process_types"`
	Comment   string            `json:"commit_description"`
}

func (e *Emulator) createSlug(_ *http.Request, a *app, body *createSlugInput) (any, error) {
	return e.addSlug(a, body.Comment, body.Processes).body("put"), nil
}

// getSlug finds a slug that was built on the app or has been released there.
//
// docs/platforms.md: "a slug that the app never had is a 404 there"
func (e *Emulator) getSlug(r *http.Request, a *app, _ *none) (any, error) {
	s := e.State.Slugs[r.PathValue("slug")]
	if s == nil || s.App != a.ID && !slices.ContainsFunc(a.Releases, func(r *release) bool { return r.Slug == s.ID }) {
		return nil, notFound("slug")
	}
	return s.body("get"), nil
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
	for _, a := range e.State.Apps {
		made := a.release(r.PathValue("release"))
		if made == nil || !made.Phase {
			continue
		}
		if r.Header.Get("Authorization") != "" {
			e.writeError(w, r, invalid("the token was sent to the host of release outputs"))
			return
		}
		e.look(made)
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, made.printed(a)) //nolint:errcheck // into a buffer
		return
	}
	e.writeError(w, r, notFound("stream"))
}
