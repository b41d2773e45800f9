package entrecode

import (
	"context"
	"encoding/json"
	"strings"

	"sluice/stages/driver"
)

var _ driver.Finder = (*platform)(nil)

// Find is a platform of an app, or all of them.
func (p *platform) Find(ctx context.Context, what string) (driver.Existing, error) {
	appID, platformID, one := strings.Cut(what, "/")
	if appID == "" || one && platformID == "" || strings.Contains(platformID, "/") {
		return driver.Existing{}, &invalid{what + " is not of the form " + Facts().Finds.What + ": write it like " + Facts().Finds.Example}
	}
	v := p.session()
	entry, err := v.get(ctx, v.client.entry, wanted{form: root, family: appFamily()})
	if err != nil {
		return driver.Existing{}, entryError(err)
	}
	app, err := v.find(ctx, entry, appFamily(), appID, "the app server", nil)
	if err != nil {
		return driver.Existing{}, err
	}
	platforms, err := v.platforms(ctx, app, appID, platformID)
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: looseText(app.fields["title"]), One: true}
	for _, r := range platforms {
		place, err := v.asPlace(ctx, appID, r)
		if err != nil {
			return driver.Existing{}, err
		}
		found.Places = append(found.Places, place)
	}
	if len(found.Places) == 0 {
		return driver.Existing{}, &missing{what: "platform", where: "app " + appID, remedy: "make one in the App Manager, and see that the access token may see it"}
	}
	return found, nil
}

// platforms are those of an app, or the one of an id.
func (v *session) platforms(ctx context.Context, app *resource, appID, id string) ([]*resource, error) {
	f := platformFamily()
	if id != "" {
		one, err := v.find(ctx, app, f, id, "app "+appID, map[string][]string{"appID": {appID}})
		return []*resource{one}, err
	}
	var all []*resource
	if l, ok := app.one(f.list); ok {
		first, err := v.follow(ctx, app, l, nil, listOf(f))
		if err != nil {
			return nil, err
		}
		for page, err := range v.pages(ctx, first, f, nil) {
			if err != nil {
				return nil, err
			}
			all = append(all, page.items(f.item)...)
		}
		return all, nil
	}
	if all = app.items(f.item); len(all) > 0 {
		return all, nil
	}
	for _, l := range app.related(f.item) {
		linked, err := v.follow(ctx, app, l, nil, one(f, ""))
		if err != nil {
			return nil, err
		}
		all = append(all, linked)
	}
	return all, nil
}

// asPlace is a platform with all of its targets.
func (v *session) asPlace(ctx context.Context, appID string, r *resource) (driver.Place, error) {
	if self, ok := r.one("self"); ok && len(r.related("ec:app/target")) == 0 { // an item of a list may be cut short
		whole, err := v.follow(ctx, r, self, nil, one(platformFamily(), r.id("platformID")))
		if err != nil {
			return driver.Place{}, err
		}
		r = whole
	}
	at := config{AppID: appID, PlatformID: r.id("platformID")}
	name := looseText(r.fields["title"])
	if name == "" {
		name = at.PlatformID
	}
	ids, err := v.targets(ctx, r)
	if err != nil {
		return driver.Place{}, err
	}
	for _, id := range ids {
		if id != "" {
			at.TargetIDs = append(at.TargetIDs, id)
		}
	}
	if len(at.TargetIDs) == 0 {
		return driver.Place{Name: name, Note: "platform " + at.PlatformID + " has no target: make one in the App Manager"}, nil
	}
	data, err := json.Marshal(at)
	return driver.Place{Name: name, Config: data}, err
}
