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
	var targets []*party
	for _, p := range d.targets {
		if !d.unchanged(p) {
			targets = append(targets, p)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	if cost := readsOfAdvice * (len(targets) + 1); !h.tokens.affords(cost) {
		d.find(note(targets[0].target, fmt.Sprintf("config vars and buildpacks of %d apps are not compared: that takes %d requests, and the account has few left", len(targets), cost)))
		return nil
	}
	return h.compare(ctx, d, targets)
}

func (h *heroku) compare(ctx context.Context, d *deployment, targets []*party) error {
	setups := make([]setup, len(targets)+1)
	apps := []string{d.source.app.ID}
	for _, p := range targets {
		apps = append(apps, p.app.ID)
	}
	indexes := slices.Collect(func(yield func(int) bool) {
		for i := range apps {
			if !yield(i) {
				return
			}
		}
	})
	err := each(ctx, indexes, func(ctx context.Context, i int) error {
		var err error
		setups[i], err = h.setup(ctx, apps[i])
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range targets {
		d.prepared.Findings = append(d.prepared.Findings, differences(p.target, d.source.app, p.app, setups[0], setups[i+1])...)
	}
	return nil
}

// setup reads what an app has of its own.
func (h *heroku) setup(ctx context.Context, appID string) (setup, error) {
	var vars map[string]unread
	var packs []buildpack
	err := h.get(ctx, path("apps", appID, "config-vars"), &vars)
	if err == nil {
		err = h.get(ctx, path("apps", appID, "buildpack-installations"), &packs)
	}
	if invisible(err) {
		return setup{unreadable: err.Error()}, nil
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
func differences(t driver.Target, from, to app, a, b setup) []driver.Finding {
	if why := a.unreadable + b.unreadable; why != "" {
		return []driver.Finding{note(t, "config vars and buildpacks are not compared: "+why)}
	}
	var found []driver.Finding
	missing := slices.DeleteFunc(slices.Clone(a.keys), func(key string) bool { return slices.Contains(b.keys, key) })
	if len(missing) > 0 {
		found = append(found, warning(t, fmt.Sprintf("app %s lacks config vars that %s has: %s", to.Name, from.Name, quoted(missing, mostNames)),
			"a promotion does not carry them; set those that the release needs"))
	}
	if !slices.Equal(a.buildpacks, b.buildpacks) {
		found = append(found, warning(t, fmt.Sprintf("the buildpacks differ: %s has %s, %s has %s", from.Name, packsText(a), to.Name, packsText(b)),
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
