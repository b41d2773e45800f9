package heroku

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"

	"sluice/stages/driver"
)

var _ driver.Finder = (*heroku)(nil)

// mostNamed is how many names a message lists.
const mostNamed = 20

// Find lists the apps of a pipeline by their stages, in the order of a promotion.
func (h *heroku) Find(ctx context.Context, what string) (driver.Existing, error) {
	p := pipeline{}
	err := h.api.get(ctx, path("pipelines", what), asked{id: what}, &p)
	if notFound(err) {
		return driver.Existing{}, h.api.absent(ctx, what)
	}
	if err != nil {
		return driver.Existing{}, err
	}
	couplings, err := h.api.couplings(ctx, p.ID)
	if err != nil {
		return driver.Existing{}, err
	}
	apps, err := h.api.names(ctx, couplings)
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: p.Name, Ordered: true}
	for _, stage := range order() {
		found.Places = append(found.Places, placesIn(stage, p, couplings, apps)...)
	}
	if len(found.Places) == 0 {
		return driver.Existing{}, &absentError{fmt.Sprintf("pipeline %s has no app in the stages %s", p.Name, strings.Join(order(), ", ")), "couple apps to it (`heroku pipelines:add`), then run this again"}
	}
	return found, nil
}

// absent is the error of a pipeline that the token's account does not see.
func (c *client) absent(ctx context.Context, what string) error {
	all, err := list[pipeline](ctx, c, request{method: http.MethodGet, path: "/pipelines", ranged: longest})
	if err != nil {
		return err
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	remedy := "the token's account sees no pipeline at all; " + remedyRights
	if len(names) > 0 {
		remedy = "the token's account sees " + someOf(names)
	}
	return &absentError{fmt.Sprintf("Heroku has no pipeline %q", what), remedy}
}

// someOf lists names, not all of very many.
func someOf(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

// names are the apps of couplings by their ids.
func (c *client) names(ctx context.Context, couplings []coupling) (map[string]app, error) {
	if len(couplings) == 0 {
		return nil, nil
	}
	ids := make([]string, len(couplings))
	for i, one := range couplings {
		ids[i] = one.App.ID
	}
	all, err := c.apps(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]app, len(all))
	for _, a := range all {
		byID[a.ID] = a
	}
	return byID, nil
}

// placesIn are the apps of one stage, by name. An app that the account may not see
// has its id alone.
func placesIn(stage string, p pipeline, couplings []coupling, apps map[string]app) []driver.Place {
	var places []driver.Place
	for _, c := range couplings {
		if c.Stage != stage {
			continue
		}
		at, note := place{App: c.App.ID, Pipeline: p.Name}, ""
		if a, seen := apps[c.App.ID]; seen {
			at.App = a.Name
			if a.containers() {
				note = "on the container stack, which a promotion cannot carry"
			}
		} else {
			note = "the token's account does not see this app's name"
		}
		places = append(places, driver.Place{Name: at.App, Stage: stage, Note: note, Config: encode(at)})
	}
	sort.Slice(places, func(i, j int) bool { return places[i].Name < places[j].Name })
	return places
}
