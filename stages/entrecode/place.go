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
	"strconv"
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

// visit is one walk over the platform: what it has read once it does not read
// again.
type visit struct {
	client *client
	seen   map[string]*resource
}

func (p *platform) visit() *visit { return &visit{client: p.client, seen: map[string]*resource{}} }

func (v *visit) get(ctx context.Context, u *url.URL) (*resource, error) {
	if r, ok := v.seen[u.String()]; ok {
		return r, nil
	}
	r, err := v.client.get(ctx, u)
	if err == nil {
		v.seen[u.String()] = r
	}
	return r, err
}

// follow reads what a link of r leads to.
func (v *visit) follow(ctx context.Context, r *resource, l link, values map[string][]string) (*resource, error) {
	u, err := r.address(l, values)
	if err != nil {
		return nil, err
	}
	return v.get(ctx, u)
}

// place is a target's platform as it was found.
type place struct {
	config
	app, platform *resource
}

// place walks from the entry point to a target's platform.
func (v *visit) place(ctx context.Context, t driver.Target) (*place, error) {
	c, err := configOf(t)
	if err != nil {
		return nil, err
	}
	entry, err := v.get(ctx, v.client.entry)
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
	return ok && (p.status == http.StatusNotFound || p.status == http.StatusGone)
}

// find reads one resource of a family from r: by a template that takes its id
// where r offers one, else by looking through what r embeds, lists and links.
//
// where names r in messages; scope are filters beside the id that an options
// template may want.
func (v *visit) find(ctx context.Context, r *resource, f family, id, where string, scope map[string][]string) (*resource, error) {
	gone := &missing{what: f.what, id: id, where: where, remedy: "check " + f.key + " and that the access token may see it"}
	for _, rel := range []string{f.byID, f.options} {
		l, ok := r.one(rel)
		if !ok || !l.names(f.key) {
			continue
		}
		answer, err := v.ask(ctx, r, l, map[string][]string{f.key: {id}}, scope)
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
func (v *visit) ask(ctx context.Context, r *resource, l link, id, scope map[string][]string) (*resource, error) {
	answer, err := v.follow(ctx, r, l, id)
	if p, ok := errors.AsType[*problem](err); ok && p.status == http.StatusBadRequest && len(scope) > 0 {
		maps.Copy(id, scope)
		return v.follow(ctx, r, l, id)
	}
	return answer, err
}

// pick takes the resource with the id out of an answer: the answer itself, or
// one that it embeds. nil means that it is not there.
func (v *visit) pick(ctx context.Context, answer *resource, f family, id string) (*resource, error) {
	if answer.id(f.key) == id {
		return answer, nil
	}
	for _, item := range answer.items(f.item) {
		if item.id(f.key) != id {
			continue
		}
		if self, ok := item.one("self"); ok {
			return v.follow(ctx, item, self, nil) // the whole of it
		}
		return item, nil
	}
	return nil, nil
}

// search looks for the id without a template. nil means that it is not there.
func (v *visit) search(ctx context.Context, r *resource, f family, id string) (*resource, error) {
	first := r
	if l, ok := r.one(f.list); ok {
		list, err := v.follow(ctx, r, l, nil)
		if err != nil {
			return nil, err
		}
		first = list
	}
	for page, err := range v.pages(ctx, first, nil) {
		if err != nil {
			return nil, err
		}
		if found, err := v.pick(ctx, page, f, id); found != nil || err != nil {
			return found, err
		}
	}
	for _, l := range r.related(f.item) {
		one, err := v.follow(ctx, r, l, nil)
		if err != nil {
			return nil, err
		}
		if one.id(f.key) == id {
			return one, nil
		}
	}
	return nil, nil
}

// pages reads a list page by page. Where a page has no "next" although more
// was promised, further, if not nil, says where page n is.
func (v *visit) pages(ctx context.Context, first *resource, further func(n int) *url.URL) iter.Seq2[*resource, error] {
	return func(yield func(*resource, error) bool) {
		read := map[string]bool{}
		got := 0
		for page, n := first, 1; page != nil; n++ {
			read[page.url.String()] = true
			count := page.count()
			got += count
			if !yield(page, nil) {
				return
			}
			u, err := page.following(n, got, further)
			if err != nil || u != nil && read[u.String()] {
				if err == nil {
					err = fmt.Errorf("the list's page %d leads back to an earlier one", n)
				}
				yield(nil, err)
				return
			}
			if u == nil || count == 0 && n > 1 {
				return
			}
			if page, err = v.get(ctx, u); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// count is how many resources a page embeds.
func (r *resource) count() int {
	n := 0
	for _, items := range r.embedded {
		n += len(items)
	}
	return n
}

// following is where the page after r is, nil after the last one. A list that
// promises more than it gives is an error: half a list must not pass for all.
func (r *resource) following(n, got int, further func(int) *url.URL) (*url.URL, error) {
	if l, ok := r.one("next"); ok {
		return r.address(l, nil)
	}
	total := 0 // a list that does not say how long it is ends without "next"
	if n, err := strconv.Atoi(r.id("total")); err == nil {
		total = n
	}
	if got >= total {
		return nil, nil
	}
	if further != nil && r.count() > 0 {
		if u := further(n + 1); u != nil {
			return u, nil
		}
	}
	return nil, fmt.Errorf("the list says that it has %d entries and gave %d", total, got)
}

// where names the place in messages.
func (p *place) where() string {
	return fmt.Sprintf("platform %s (targets %s)", p.PlatformID, strings.Join(p.TargetIDs, ", "))
}
