package entrecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// config is a target's keys in the pipeline file.
type config struct {
	AppID      string   `json:"appID"`
	PlatformID string   `json:"platformID"`
	TargetIDs  []string `json:"targetIDs"`
}

func configOf(t driver.Target) (config, error) {
	var c config
	if err := json.Unmarshal(t.Config, &c); err != nil {
		return c, &invalid{fmt.Sprintf("target %s: its keys cannot be read: %v", t.Name, err)}
	}
	if c.AppID == "" || c.PlatformID == "" || len(c.TargetIDs) == 0 {
		return c, &invalid{fmt.Sprintf("target %s: appID, platformID and at least one of targetIDs are needed", t.Name)}
	}
	slices.Sort(c.TargetIDs)
	c.TargetIDs = slices.Compact(c.TargetIDs)
	return c, nil
}

// family is one kind of resource: the relations that lead to it and the
// property that identifies it.
type family struct {
	what    string
	byID    string // a template that names key
	options string // a template that names key among other filters
	list    string // all of them, paged
	item    string // one of them, linked or embedded
	key     string
}

func appFamily() family {
	return family{"app", "ec:app/by-id", "ec:apps/options", "ec:apps", "ec:app", "appID"}
}

func platformFamily() family {
	return family{"platform", "ec:app/platform/by-id", "ec:app/platforms/options", "ec:app/platforms", "ec:app/platform", "platformID"}
}

func buildFamily() family {
	return family{"build", "ec:app/build/by-id", "ec:app/builds/options", "ec:app/builds", "ec:app/build", "buildID"}
}

func deploymentFamily() family {
	return family{what: "deployment", list: "ec:app/deployments", item: "ec:app/deployment", key: "deploymentID"}
}

func targetFamily() family {
	return family{what: "target", item: "ec:app/target", key: "targetID"}
}

// session is one walk over the platform: what it has read once it does not read
// again.
type session struct {
	client *client
	seen   map[string]*resource
}

func (p *platform) session() *session {
	return &session{client: p.client, seen: map[string]*resource{}}
}

// get reads what is at an address, which must be what is wanted.
func (v *session) get(ctx context.Context, u *url.URL, w wanted) (*resource, error) {
	if r, ok := v.seen[u.String()]; ok {
		return w.believe(r)
	}
	r, err := v.client.get(ctx, u)
	if err != nil {
		return nil, err
	}
	if r, err = w.believe(r); err != nil {
		return nil, err
	}
	v.seen[u.String()] = r
	return r, nil
}

// follow reads what a link of r leads to.
func (v *session) follow(ctx context.Context, r *resource, l link, values map[string][]string, w wanted) (*resource, error) {
	u, err := r.address(l, values)
	if err != nil {
		return nil, err
	}
	return v.get(ctx, u, w)
}

// place is a target's platform as it was found.
type place struct {
	config
	app, platform *resource
}

// place walks from the entry point to a target's platform.
func (v *session) place(ctx context.Context, t driver.Target) (*place, error) {
	c, err := configOf(t)
	if err != nil {
		return nil, err
	}
	entry, err := v.get(ctx, v.client.entry, wanted{form: root, family: appFamily()})
	if err != nil {
		return nil, entryError(err)
	}
	app, err := v.find(ctx, entry, appFamily(), c.AppID, "the app server", nil)
	if err != nil {
		return nil, err
	}
	found, err := v.find(ctx, app, platformFamily(), c.PlatformID, "app "+c.AppID, map[string][]string{"appID": {c.AppID}})
	if err != nil {
		return nil, err
	}
	return &place{config: c, app: app, platform: found}, nil
}

// entryError explains an entry point that is not there.
func entryError(err error) error {
	if isNotFound(err) {
		return &missing{what: "entry point", remedy: "check " + endpointVariable, err: err}
	}
	return err
}

func isNotFound(err error) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.own && (p.status == http.StatusNotFound || p.status == http.StatusGone)
}

// find reads one resource of a family from r: by a template that takes its id
// where r offers one, else by looking through what r embeds, lists and links.
//
// where names r in messages; scope are filters beside the id that an options
// template may want.
func (v *session) find(ctx context.Context, r *resource, f family, id, where string, scope map[string][]string) (*resource, error) {
	gone := &missing{what: f.what, id: id, where: where, remedy: "check " + f.key + " and that the access token may see it"}
	for _, rel := range []string{f.byID, f.options} {
		l, ok := r.one(rel)
		if !ok || !l.names(f.key) {
			continue
		}
		answer, err := v.ask(ctx, r, l, filter(f, id), scope)
		if isNotFound(err) {
			gone.err = err
			return nil, gone
		}
		if err != nil {
			return nil, err
		}
		if found, err := v.pick(ctx, answer, f, id); found != nil || err != nil {
			return found, err
		}
		if total, _, _ := answer.total(); total > 0 { // it was believed: its total can be read
			return nil, doubted("a filter by %s %s that answers others", f.key, id)
		}
		return nil, gone
	}
	if !r.offers(f) {
		gone.unsure = true
		return nil, gone
	}
	found, err := v.search(ctx, r, f, id)
	if found == nil && err == nil {
		err = gone
	}
	return found, err
}

// ask follows a template with an id alone, and where the platform wants more
// than that, with the scope too.
func (v *session) ask(ctx context.Context, r *resource, l link, w wanted, scope map[string][]string) (*resource, error) {
	values := map[string][]string{w.family.key: {w.id}}
	answer, err := v.follow(ctx, r, l, values, w)
	if p, ok := errors.AsType[*problem](err); ok && p.status == http.StatusBadRequest && len(scope) > 0 {
		maps.Copy(values, scope)
		return v.follow(ctx, r, l, values, w)
	}
	return answer, err
}

// pick takes the resource with the id out of an answer: the answer itself, or
// one that it embeds. nil means that it is not there.
func (v *session) pick(ctx context.Context, answer *resource, f family, id string) (*resource, error) {
	if answer.id(f.key) == id {
		return answer, nil
	}
	for _, item := range answer.items(f.item) {
		if item.id(f.key) != id {
			continue
		}
		if self, ok := item.one("self"); ok {
			return v.follow(ctx, item, self, nil, one(f, id)) // the whole of it
		}
		return item, nil
	}
	return nil, nil
}

// search looks for the id without a template. nil means that it is not there.
func (v *session) search(ctx context.Context, r *resource, f family, id string) (*resource, error) {
	if l, ok := r.one(f.list); ok {
		first, err := v.follow(ctx, r, l, nil, listOf(f))
		if err != nil {
			return nil, err
		}
		return v.searchList(ctx, first, f, id)
	}
	if err := r.named(f); err != nil {
		return nil, err
	}
	if _, said, _ := r.total(); said && len(r.items(f.item)) > 0 { // it is a list itself
		return v.searchList(ctx, r, f, id)
	}
	if found, err := v.pick(ctx, r, f, id); found != nil || err != nil {
		return found, err
	}
	for _, l := range r.related(f.item) {
		linked, err := v.follow(ctx, r, l, nil, one(f, ""))
		if err != nil {
			return nil, err
		}
		if linked.id(f.key) == id {
			return linked, nil
		}
	}
	return nil, nil
}

// searchList looks for the id in a whole list.
func (v *session) searchList(ctx context.Context, first *resource, f family, id string) (*resource, error) {
	for page, err := range v.pages(ctx, first, f, nil) {
		if err != nil {
			return nil, err
		}
		if found, err := v.pick(ctx, page, f, id); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// mostPages is how many pages of one list are read.
const mostPages = 10_000

// pages reads a list page by page; its end is an error unless it was the end of
// the whole list. Where a page has no "next" although more was promised,
// further, if not nil, says where page n is.
func (v *session) pages(ctx context.Context, first *resource, f family, further func(n int) *url.URL) iter.Seq2[*resource, error] {
	return func(yield func(*resource, error) bool) {
		read, all := map[string]bool{}, tally{f, map[string]bool{}}
		page, err := first, error(nil)
		for n := 1; ; n++ {
			if err == nil {
				read[page.url.String()] = true
				err = all.add(page)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			u := page.following(n, len(all.seen), f, further)
			switch {
			case u == nil:
				if err = all.whole(page); err != nil {
					yield(nil, err)
				}
				return
			case read[u.String()] || n == mostPages:
				yield(nil, doubted("the list's page %d leads back to an earlier one, or is one of too many", n))
				return
			}
			page, err = v.get(ctx, u, listOf(f))
		}
	}
}

// following is where the page after r is, nil after the last one.
func (r *resource) following(n, got int, f family, further func(int) *url.URL) *url.URL {
	if len(r.items(f.item)) == 0 {
		return nil // nothing comes after an empty page
	}
	if l, ok := r.one("next"); ok {
		if u, err := r.address(l, nil); err == nil {
			return u
		}
	}
	if total, _, _ := r.total(); got < total && further != nil { // a page that was believed
		return further(n + 1)
	}
	return nil
}

// where names the place in messages.
func (p *place) where() string {
	return fmt.Sprintf("platform %s (targets %s)", p.PlatformID, strings.Join(p.TargetIDs, ", "))
}
