package heroku

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// shown is what Heroku shows in an answer.
type shown interface {
	// doubt says why it cannot be what was asked for: a field that identifies
	// it is missing or belongs to something else. "" where it can.
	doubt(asked) string
}

// entry is what Heroku shows in lists; its key is there once.
type entry interface {
	shown
	key() string
}

// doubted is the error of an answer to r that cannot be believed. Nothing is
// concluded from it: a read is asked again, an effect is looked up.
func doubted(r request, id, text string) error {
	return &lostError{request: r, id: id, garbled: true, err: &doubtError{text}}
}

// believe reads an answer into value. Every answer passes here before anything
// is decided from it.
func believe(r request, a answer, value shown) error {
	id := a.header.Get(requestID)
	if bytes.Equal(bytes.TrimSpace(a.body), []byte("null")) {
		return doubted(r, id, "null")
	}
	if err := json.Unmarshal(a.body, value); err != nil {
		return doubted(r, id, err.Error())
	}
	if text := value.doubt(r.asked); text != "" {
		return doubted(r, id, text)
	}
	return nil
}

// entryOf is a pointer to an entry of a list.
type entryOf[T any] interface {
	*T
	entry
}

// page is one page of a list.
type page[T any, P entryOf[T]] []T

func (p *page[T, P]) doubt(want asked) string {
	seen := map[string]bool{}
	for i := range *p {
		item := P(&(*p)[i])
		if text := item.doubt(want); text != "" {
			return fmt.Sprintf("entry %d: %s", i+1, text)
		}
		if seen[item.key()] {
			return fmt.Sprintf("entry %d: %s is there twice", i+1, item.key())
		}
		seen[item.key()] = true
	}
	return ""
}

// lacking names the first of what must not be empty; "" for none.
func lacking(what string, fields ...string) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] == "" {
			return what + " without " + fields[i]
		}
	}
	return ""
}

// another says that a thing is not the one that was asked for, unless it has one
// of the names; "" for the one, and where none was asked for.
func another(what, wanted string, names ...string) string {
	if wanted == "" {
		return ""
	}
	for _, name := range names {
		if name == wanted {
			return ""
		}
	}
	return fmt.Sprintf("it is about %s %s, not %s", what, names[0], wanted)
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func (a *app) doubt(want asked) string {
	return first(
		lacking("an app", "id", a.ID, "name", a.Name, "stack", a.Stack.Name, "build_stack", a.BuildStack.Name),
		another("app", want.id, a.ID, a.Name))
}

func (a *app) key() string { return "app " + a.ID }

func (p *pipeline) doubt(want asked) string {
	return first(
		lacking("a pipeline", "id", p.ID, "name", p.Name),
		another("pipeline", want.id, p.ID, p.Name))
}

func (p *pipeline) key() string { return "pipeline " + p.ID }

func (c *coupling) doubt(want asked) string {
	return first(
		lacking("a coupling", "app", c.App.ID, "pipeline", c.Pipeline.ID, "stage", c.Stage),
		another("pipeline", want.pipeline, c.Pipeline.ID),
		another("app", want.app, c.App.ID))
}

func (c *coupling) key() string { return "app " + c.App.ID }

func (r *release) doubt(want asked) string {
	switch {
	case r.Version < 1:
		return "a release without version"
	case r.CreatedAt.IsZero():
		return "a release without created_at"
	case !r.Slug.given:
		return "a release without slug: it is null where there is none"
	case r.Slug.thing != nil && r.Slug.thing.ID == "":
		return "a release whose slug has no id"
	}
	return first(
		lacking("a release", "id", r.ID, "app", r.App.ID, "status", r.Status),
		another("release", want.id, r.ID),
		another("app", want.app, r.App.ID, r.App.Name))
}

func (r *release) key() string { return "release " + r.ID }

func (s *slug) doubt(want asked) string {
	if s.CreatedAt.IsZero() {
		return "a slug without created_at"
	}
	return first(lacking("a slug", "id", s.ID), another("slug", want.id, s.ID))
}

func (p *promotion) doubt(want asked) string {
	return first(
		lacking("a promotion", "id", p.ID, "pipeline", p.Pipeline.ID, "source.app", p.Source.App.ID, "source.release", p.Source.Release.ID),
		another("pipeline", want.pipeline, p.Pipeline.ID),
		another("source app", want.app, p.Source.App.ID))
}

func (t *promotionTarget) doubt(want asked) string {
	if t.Status == succeeded && (t.Release == nil || t.Release.ID == "") {
		return "a promotion target that succeeded without release"
	}
	return first(
		lacking("a promotion target", "app", t.App.ID, "pipeline_promotion", t.Promotion.ID, "status", t.Status),
		another("promotion", want.promotion, t.Promotion.ID))
}

func (t *promotionTarget) key() string { return "app " + t.App.ID }

func (b *buildpack) doubt(asked) string {
	return lacking("a buildpack", "name and url", b.Buildpack.Name+b.Buildpack.URL)
}

func (b *buildpack) key() string { return fmt.Sprintf("buildpack %d", b.Ordinal) }

// configVars are an app's config vars without their values.
type configVars map[string]unread

func (v *configVars) doubt(asked) string { return "" }
