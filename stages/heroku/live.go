package heroku

import (
	"context"
	"fmt"
	"sync"

	"sluice/internal/guard"
	"sluice/stages/driver"
)

// stand is what an app's releases say of it.
type stand struct {
	newest, running *release
	known           bool
}

// asking is a Live on its way.
type asking struct {
	*client
	atOnce int
	at     []place
	stands []stand
	errs   []error
	mu     sync.Mutex // of stands, while lists are read
}

// Live is what the apps run. Of several, the lists of the latest releases of their
// pipelines tell most; an app that they do not tell of is asked itself. A slug is
// looked at once, whatever many apps run it.
func (h *heroku) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	a := &asking{client: h.api, atOnce: h.atOnce, at: make([]place, len(targets)), stands: make([]stand, len(targets)), errs: make([]error, len(targets))}
	for i, t := range targets {
		a.at[i], a.errs[i] = placeOf(t)
	}
	a.declared(ctx)
	a.nearby(ctx)
	a.alone(ctx)
	return a.live(ctx), a.errs
}

// open are the targets of which nothing is known yet, one for each app.
func (a *asking) open() []int {
	var open []int
	had := map[string]bool{}
	for i, s := range a.stands {
		if !s.known && a.errs[i] == nil && !had[a.at[i].App] {
			had[a.at[i].App], open = true, append(open, i)
		}
	}
	return open
}

// declared asks the pipelines that several targets declare.
func (a *asking) declared(ctx context.Context) {
	members := map[string]int{}
	var names []string
	for _, i := range a.open() {
		if name := a.at[i].Pipeline; name != "" {
			if members[name]++; members[name] == 2 {
				names = append(names, name)
			}
		}
	}
	a.side(len(names), func(n int) error {
		var p pipeline
		if err := a.get(ctx, path("pipelines", names[n]), asked{id: names[n]}, &p); err != nil {
			return err
		}
		return a.list(ctx, p.ID)
	})
}

// nearby asks the pipelines of apps that declare none, one app's after another's,
// while a list tells of more than the app that led to it.
func (a *asking) nearby(ctx context.Context) {
	for open := a.open(); len(open) > 1; {
		where, err := a.couplingOf(ctx, a.at[open[0]].App, asked{})
		if err == nil {
			err = a.list(ctx, where.Pipeline.ID)
		}
		left := a.open()
		if err != nil || len(left) > len(open)-2 {
			return // each is asked itself: whatever is wrong is said there
		}
		open = left
	}
}

// list takes over what the list of a pipeline's latest releases tells.
func (a *asking) list(ctx context.Context, pipelineID string) error {
	latest, err := a.latest(ctx, pipelineID)
	if err != nil {
		return err
	}
	byName := make(map[string]*release, 2*len(latest))
	for id, r := range latest {
		byName[id] = r
		if r.App.Name != "" {
			byName[r.App.Name] = r
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.at {
		if r := byName[a.at[i].App]; r != nil && r.runs() && a.errs[i] == nil {
			a.stands[i] = stand{newest: r, running: r, known: true}
		}
	}
	return nil
}

// alone asks the apps that are left.
func (a *asking) alone(ctx context.Context) {
	open := a.open()
	byApp := map[string]int{}
	errs := a.side(len(open), func(n int) error {
		newest, running, err := a.client.stands(ctx, a.at[open[n]].App)
		a.stands[open[n]] = stand{newest, running, err == nil}
		return err
	})
	for n, i := range open {
		a.errs[i] = errs[n]
		byApp[a.at[i].App] = i
	}
	for i := range a.at { // targets of one app
		if first, asked := byApp[a.at[i].App]; asked && i != first {
			a.stands[i], a.errs[i] = a.stands[first], a.errs[first]
		}
	}
}

func (a *asking) side(n int, f func(int) error) []error {
	return guard.Each("reading apps", a.atOnce, n, f)
}

// live looks at the slugs and says what the apps run.
func (a *asking) live(ctx context.Context) []driver.Live {
	slugs := a.slugs(ctx)
	live := make([]driver.Live, len(a.at))
	for i, s := range a.stands {
		if a.errs[i] != nil || s.running.slug() == "" && s.newest == s.running {
			continue
		}
		found := slugs[s.running.slug()]
		if a.errs[i] = found.err; found.err != nil {
			continue
		}
		live[i] = driver.Whole(s.running.named(found.slug))
		if s.running.slug() != "" {
			live[i].Since = s.running.CreatedAt
		}
		if n := s.newest; n != s.running && n.Status == pending && n.slug() != "" {
			next := n.named(slug{})
			live[i].Pending = &next
		}
	}
	return live
}

// found is a slug that was looked at.
type found struct {
	slug slug
	err  error
}

// slugs are the slugs that run, by id, each read through an app that runs it. One
// that is gone is still what runs.
func (a *asking) slugs(ctx context.Context) map[string]found {
	var ids []string
	through := map[string]string{}
	for i, s := range a.stands {
		id := s.running.slug()
		if _, had := through[id]; id == "" || had || a.errs[i] != nil {
			continue
		}
		through[id], ids = a.at[i].App, append(ids, id)
	}
	var mu sync.Mutex
	all := map[string]found{}
	a.side(len(ids), func(n int) error {
		s, err := a.slug(ctx, through[ids[n]], ids[n])
		if notFound(err) {
			err = nil
		}
		mu.Lock()
		defer mu.Unlock()
		all[ids[n]] = found{s, err}
		return nil
	})
	return all
}

// named is the release as the driver contract has it: the slug travels, and people
// call it by the app's version.
func (r *release) named(s slug) driver.Release {
	if r.slug() == "" {
		return driver.Release{}
	}
	return driver.Release{
		ID: r.slug(), Name: fmt.Sprintf("v%d", r.Version), Platform: r.ID, CreateTime: s.CreatedAt, Comment: r.Description,
	}
}
