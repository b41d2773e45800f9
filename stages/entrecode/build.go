package entrecode

import (
	"context"
	"errors"
	"fmt"

	"sluice/stages/driver"
)

// Resolve implements driver.Driver: it finds a build that t's platform knows,
// made there or deployed there.
func (p *platform) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	v := p.session()
	at, err := v.place(ctx, t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return v.latestBuild(ctx, at)
	}
	build, err := v.findBuild(ctx, id, at)
	if err != nil {
		return driver.Release{}, err
	}
	return releaseOf(id, build), nil
}

// latestBuild is the newest of the platform's builds that nothing speaks against.
func (v *session) latestBuild(ctx context.Context, at *place) (driver.Release, error) {
	f, none := buildFamily(), &missing{what: "build that succeeded", where: "platform " + at.PlatformID, remedy: "make one in the App Manager"}
	l, ok := at.platform.one(f.list)
	if !ok {
		none.unsure = true
		return driver.Release{}, none
	}
	first, err := v.follow(ctx, at.platform, l, map[string][]string{"platformID": {at.PlatformID}}, listOf(f))
	if err != nil {
		return driver.Release{}, err
	}
	var last driver.Release
	for page, err := range v.pages(ctx, first, f, nil) {
		if err != nil {
			return driver.Release{}, err
		}
		for _, item := range page.items(f.item) {
			severity, _, err := judge(item.id(f.key), item)
			if err != nil {
				return driver.Release{}, err
			}
			if r := releaseOf(item.id(f.key), item); severity != driver.Refuse && !r.CreateTime.Before(last.CreateTime) {
				last = r
			}
		}
	}
	if last.ID == "" {
		return driver.Release{}, none
	}
	return last, nil
}

// findBuild reads a build that one of the places knows: by their platforms'
// relations to builds, else by a deployment that carried it.
func (v *session) findBuild(ctx context.Context, id string, places ...*place) (*resource, error) {
	var last error
	for _, p := range places {
		build, err := v.find(ctx, p.platform, buildFamily(), id, "platform "+p.PlatformID, map[string][]string{"platformID": {p.PlatformID}})
		if err == nil {
			return build, nil
		}
		if last = err; !isMissing(err) {
			return nil, err
		}
	}
	for _, p := range places {
		build, err := v.carried(ctx, p, id)
		if build != nil || err != nil {
			return build, err
		}
	}
	return nil, last
}

// carried finds a build by a deployment of p that had it; nil where none had.
func (v *session) carried(ctx context.Context, p *place, id string) (*resource, error) {
	all, err := v.deployments(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if inlined := d.id("buildID"); inlined != "" && inlined != id {
			continue
		}
		found, build, err := v.build(ctx, d)
		if err != nil && !isMissing(err) {
			return nil, err
		}
		if found == id && build != nil {
			return build, nil
		}
	}
	return nil, nil
}

func isMissing(err error) bool {
	_, ok := errors.AsType[*missing](err)
	return ok
}

// judge says what speaks against deploying a build.
func judge(id string, build *resource) (driver.Severity, string, error) {
	status, err := statusOf(build)
	switch {
	case err != nil, status == statusSuccess:
		return "", "", err
	case status == statusRunning:
		return driver.Refuse, fmt.Sprintf("build %s is still running", id), nil
	case status == statusError:
		return driver.Refuse, fmt.Sprintf("build %s failed", id), nil
	case status == "":
		return driver.Warn, fmt.Sprintf("the platform does not say whether build %s succeeded", id), nil
	default:
		return driver.Refuse, fmt.Sprintf("build %s is %q, which is not known to be success", id, status), nil
	}
}
