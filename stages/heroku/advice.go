package heroku

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// mostNames is how many config vars a warning names.
const mostNames = 10

// readsOfAdvice is how many requests an app's advice costs.
const readsOfAdvice = 2

// setup is what a promotion does not carry along: config var keys, never their
// values, and buildpacks.
type setup struct {
	keys       []string
	buildpacks []string
	unreadable string // why it is not known
}

// advise warns of what the source has and a target lacks. Nothing depends on
// it: where it would use up the account's requests, or may not be read, that is
// said instead.
func (h *heroku) advise(ctx context.Context, d *deployment) error {
	if d.source == nil || d.refused() {
		return nil
	}
	var targets []*participant
	for _, p := range d.targets {
		if !d.unchanged(p) {
			targets = append(targets, p)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	compared := append([]*participant{d.source}, targets...)
	if cost := readsOfAdvice * h.missing(compared...); cost > 0 && !h.tokens.affords(cost) {
		d.find(note(targets[0].target, fmt.Sprintf("config vars and buildpacks of %d apps are not compared: that takes %d requests, and the account has few left", len(targets), cost)))
		return nil
	}
	return h.compare(ctx, d, compared)
}

// compare finds out every app's setup and says how that of each but the first, the
// source, differs from the source's.
func (h *heroku) compare(ctx context.Context, d *deployment, compared []*participant) error {
	err := each(ctx, h.atOnce, compared, func(ctx context.Context, p *participant) error {
		var err error
		p.setup, err = h.setup(ctx, p.app.ID)
		return err
	})
	for _, p := range compared[1:] {
		d.prepared.Findings = append(d.prepared.Findings, differences(d.source, p)...)
	}
	return err
}

// readSetup reads what an app has of its own.
func (h *heroku) readSetup(ctx context.Context, appID string) (setup, error) {
	var vars configVars
	var packs page[buildpack, *buildpack]
	err := h.get(ctx, path("apps", appID, "config-vars"), asked{}, &vars)
	if err == nil {
		err = h.get(ctx, path("apps", appID, "buildpack-installations"), asked{}, &packs)
	}
	if err != nil && (ctx.Err() == nil || invisible(err)) {
		return setup{unreadable: err.Error()}, nil // nothing depends on it
	}
	s := setup{keys: slices.Sorted(maps.Keys(vars))}
	for _, b := range packs {
		name := b.Buildpack.Name
		if name == "" {
			name = b.Buildpack.URL
		}
		s.buildpacks = append(s.buildpacks, name)
	}
	return s, err
}

// differences are the warnings about one target.
func differences(from, to *participant) []driver.Finding {
	a, b := from.setup, to.setup
	if why := a.unreadable + b.unreadable; why != "" {
		return []driver.Finding{note(to.target, "config vars and buildpacks are not compared: "+why)}
	}
	var found []driver.Finding
	missing := slices.DeleteFunc(slices.Clone(a.keys), func(key string) bool { return slices.Contains(b.keys, key) })
	if len(missing) > 0 {
		found = append(found, warning(to.target, fmt.Sprintf("app %s lacks config vars that %s has: %s", to.app.Name, from.app.Name, quoted(missing, mostNames)),
			"a promotion does not carry them; set those that the release needs"))
	}
	if !slices.Equal(a.buildpacks, b.buildpacks) {
		found = append(found, warning(to.target, fmt.Sprintf("the buildpacks differ: %s has %s, %s has %s", from.app.Name, packsText(a), to.app.Name, packsText(b)),
			"the promoted slug is as the source's buildpacks made it"))
	}
	return found
}

func packsText(s setup) string {
	if len(s.buildpacks) == 0 {
		return "none"
	}
	return strings.Join(s.buildpacks, ", ")
}

func note(t driver.Target, message string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Note, Message: message}
}
