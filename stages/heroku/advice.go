package heroku

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// advise warns of what the source has and a target lacks. Nothing depends on
// it: where it would use up the account's requests, or may not be read, that is
// said instead.
func (d *deployment) advise(ctx context.Context, known *setups) error {
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
	if cost := readsOfAdvice * toRead(known, compared); cost > 0 && !d.api.tokens.affords(cost) {
		d.find(note(targets[0].target, fmt.Sprintf("config vars and buildpacks of %d apps are not compared: that takes %d requests, and the account has few left", len(targets), cost)))
		return nil
	}
	return d.compare(ctx, known, compared)
}

// compare finds out every app's setup and says how that of each but the first, the
// source, differs from the source's.
func (d *deployment) compare(ctx context.Context, known *setups, compared []*participant) error {
	err := each(ctx, d.atOnce, compared, func(ctx context.Context, p *participant) error {
		var err error
		p.setup, err = known.find(ctx, p.app.ID)
		return err
	})
	for _, p := range compared[1:] {
		d.prepared.Findings = append(d.prepared.Findings, differences(d.source, p)...)
	}
	return err
}

// toRead is how many of some apps would have to be read.
func toRead(known *setups, all []*participant) int {
	n := 0
	for _, p := range all {
		if _, has := known.of(p.app.ID); !has {
			n++
		}
	}
	return n
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
		found = append(found, warning(to.target, fmt.Sprintf("app %s lacks config vars that %s has: %s", to.app.Name, from.app.Name, someOf(missing)),
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
