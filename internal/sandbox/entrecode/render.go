package entrecode

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/sandbox/kit"
)

// The fixed pieces of addresses. None of them says what it leads to.
func pathApps() string        { return "/" + token("apps") }
func pathPlatforms() string   { return "/" + token("platforms") }
func pathBuilds() string      { return "/" + token("builds") }
func pathDeployments() string { return "/" + token("deployments") }
func pathTargets() string     { return "/" + token("targets") }

func pathTarget(id string) string       { return pathTargets() + "?" + url.Values{"targetID": {id}}.Encode() }
func pathBuild(id int) string           { return "/" + token("build", strconv.Itoa(id)) }
func pathDeployment(id int) string      { return "/" + token("deployment", strconv.Itoa(id)) }
func pathOf(platform string) string     { return pathDeployments() + "/" + token("of", platform) }
func pathBuildsOf(id string) string     { return pathBuilds() + "/" + token("of", id) }
func pathApp(id string) string          { return pathApps() + "/" + id }
func pathPlatformsOf(app string) string { return pathPlatforms() + "/" + token("of", app) }
func pathPlatform(id string) string     { return pathPlatforms() + "?platformID=" + id }
func (c *call) base() string            { return "http://" + c.Host }
func curies() object {
	return object{"href": "https://doc.entrecode.de/app_manager/#relation-{rel}", "templated": true}
}

// entry is the entry point: the list of apps.
//
// docs/platforms.md: "the entry point offers `ec:app/by-id` (templated) and no deployments relation"
func (c *call) entry() object {
	apps := kit.Shown(kit.Sorted(c.Apps), func(a *app) object {
		return object{"appID": a.ID, "title": a.Title, "_links": object{"self": link(c.base() + pathApp(a.ID))}}
	})
	return object{
		"msg": "Welcome to the sandbox's AppServer", "count": len(apps), "total": len(apps),
		"_links": object{
			"self":            link(c.base() + "/"),
			"curies":          curies(),
			"ec:app/by-id":    template(c.base() + pathApps() + "{/appID}"),
			"ec:app-stats":    link(c.base() + "/" + token("stats")), // not served
			"ec:apps/types":   link(c.base() + "/" + token("types")), // not served
			"ec:apps/options": template(c.base() + pathApps() + "{?appID,page,size,_list,sort}"),
		},
		"_embedded": object{"ec:app": oneOrMany(apps)},
	}
}

// app has, like the recorded one, a template that does not say that it is one.
func (c *call) app(a *app) object {
	platforms := kit.Shown(c.platformsOf(a), func(p *platform) object { return link(pathPlatform(p.ID)) })
	return object{
		"appID": a.ID, "shortID": token(a.ID)[:8], "title": a.Title, "created": stamp(a.Created), "hexColor": "#FC2E2A",
		"_links": object{
			"self":                     link(c.base() + pathApp(a.ID)),
			"collection":               link(c.base() + "/"),
			"ec:app/platform/by-id":    link(c.base() + pathPlatforms() + "{?platformID}"),
			"ec:app/platform":          oneOrMany(platforms),
			"ec:app/platforms/options": template(c.base() + pathPlatformsOf(a.ID) + "{?platformID,page,size,_list,sort}"),
		},
	}
}

// platformsOf are an app's.
func (s *state) platformsOf(a *app) []*platform {
	return kit.Those(kit.Sorted(s.Platforms), func(p *platform) bool { return p.App == a.ID })
}

// docs/platforms.md: "`ec:app/deployments/options` and others hang on the resources below it"
func (c *call) platform(p *platform) object {
	links := object{
		"self":                       link(c.base() + pathPlatform(p.ID)),
		"ec:app":                     link(c.base() + pathApp(p.App)),
		"ec:app/target":              oneOrMany(c.targetLinks(p.Targets)),
		"ec:app/deployments":         link(pathOf(p.ID)),
		"ec:app/deployments/options": template(c.base() + pathOf(p.ID) + "{?buildID,deploymentID,page,platformID,size,_list,sort,targetID}"),
		"ec:app/builds":              link(pathBuildsOf(p.ID)),
		"ec:app/builds/options":      template(c.base() + pathBuildsOf(p.ID) + "{?buildID,page,platformID,size,_list,sort}"),
	}
	if b := newest(c.Builds, func(b *build) bool { return b.Platform == p.ID }); b != nil {
		links["ec:app/build/latest"] = link(pathBuilds() + "?" + url.Values{"platformID": {p.ID}, "buildID": {strconv.Itoa(b.ID)}}.Encode())
	}
	if d := newest(c.Deployments, func(d *deployment) bool { return d.Platform == p.ID }); d != nil {
		links["ec:app/deployment/latest"] = link(pathDeployment(d.ID))
	}
	return object{"platformID": p.ID, "title": p.Title, "config": object{}, "platformType": p.Type, "_links": links}
}

// newest is the one with the highest id of those that are wanted, or nil.
func newest[T any](all map[int]*T, wanted func(*T) bool) *T {
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(all))) {
		if wanted(all[id]) {
			return all[id]
		}
	}
	return nil
}

// target is one place that deployments go to.
func (c *call) target(id string) object {
	return object{"targetID": id, "targetType": "zipDownload", "config": object{}, "_links": object{"self": link(c.base() + pathTarget(id))}}
}

func (c *call) targetLinks(ids []string) []object {
	return kit.Shown(ids, func(id string) object { return link(c.base() + pathTarget(id)) })
}

func (c *call) build(b *build) object {
	o := object{
		"buildID": looseID(b.ID), "started": stamp(b.Started), "successful": b.Status,
		"buildLocation": object{"type": "zipFileFromS3", "config": object{"key": "build.download" + strconv.Itoa(b.ID) + ".zip"}},
		"events":        []object{},
		"_links": object{
			"self":            link(c.base() + pathBuild(b.ID)),
			"ec:app/platform": link(pathPlatform(b.Platform)),
		},
	}
	if !b.Finished.IsZero() {
		o["finished"] = stamp(b.Finished)
	}
	return o
}

// deployment shows every other one as documented, without the ids that are
// inlined in the wild.
//
// docs/platforms.md: "in the wild also buildID, platformID, targetIDs, creator"
func (c *call) deployment(d *deployment) object {
	o := object{
		"deploymentID": looseID(d.ID), "started": stamp(d.Started), "successful": d.Status,
		"events": events(d), "results": d.Results,
		"_links": object{
			"self":            link(c.base() + pathDeployment(d.ID)),
			"collection":      link(c.base() + pathOf(d.Platform)),
			"ec:app":          link(pathApp(c.Platforms[d.Platform].App)),
			"ec:app/build":    link(pathBuild(d.Build)),
			"ec:app/platform": link(pathPlatform(d.Platform)),
			"ec:app/target":   oneOrMany(c.targetLinks(d.Targets)),
		},
	}
	if !d.Finished.IsZero() {
		o["finished"] = stamp(d.Finished)
	}
	if d.ID%2 == 0 {
		o["buildID"], o["platformID"], o["targetIDs"] = looseID(d.Build), d.Platform, d.Targets
		o["creator"] = object{"email": d.Creator, "accountID": token("account", d.Creator)}
	}
	return o
}

// events are in no order.
//
// docs/platforms.md: "They arrive unsorted."
func events(d *deployment) []object {
	shuffled := slices.SortedFunc(slices.Values(d.Events), byToken(func(v event) int { return v.ID }))
	return kit.Shown(shuffled, func(v event) object {
		o := object{
			"deploymentEventID": strconv.Itoa(v.ID), "deploymentEventType": v.Type, "timestamp": looseStamp(v.Time, v.ID),
			"message": v.Message, "temporary": v.Temporary, "info": object{},
		}
		if v.ID%5 == 0 {
			o["info"], o["worker"] = object{"queue": []int{1, 2}}, "w37" // nobody documents it
		}
		return o
	})
}

// mostPerPage is fewer than clients ask for: lists have pages here.
const mostPerPage = 2

// page is one page of a list.
func (c *call) page(rel, path string, items []object) object {
	query := c.URL.Query()
	number := max(atoi(query.Get("page")), 1)
	size := mostPerPage
	if n := atoi(query.Get("size")); n > 0 {
		size = min(n, mostPerPage)
	}
	part, next := kit.Page(items, (number-1)*size, size)
	links := object{"self": link(c.base() + c.URL.String()), "curies": curies()}
	if next > 0 {
		query.Set("page", strconv.Itoa(number+1))
		links["next"] = link(path + "?" + query.Encode())
	}
	o := object{"count": len(part), "total": len(items), "_links": links}
	if len(part) > 0 {
		o["_embedded"] = object{rel: oneOrMany(part)}
	}
	return o
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // anything else is 0: not given
	return n
}

// list splits a parameter with several values.
//
// docs/platforms.md: "one or more targetIDs, comma-joined"
func list(query []string) []string {
	var values []string
	for _, v := range query {
		values = append(values, strings.FieldsFunc(v, func(r rune) bool { return r == ',' })...)
	}
	return values
}
