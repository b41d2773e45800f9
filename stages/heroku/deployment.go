package heroku

import (
	"slices"

	"sluice/stages/driver"
)

// deployment is a deploy on its way to being frozen.
type deployment struct {
	*observed
	call     driver.Call
	back     string // the release that a rollback goes back to
	prepared driver.Prepared
}

// wanted is the slug that the call brings.
func (d *deployment) wanted() string { return d.call.Changes[0].Release.ID }

// find adds a finding about one target.
func (d *deployment) find(f driver.Finding) { d.prepared.Findings = append(d.prepared.Findings, f) }

// refused reports whether the call must not be sent.
func (d *deployment) refused() bool {
	return slices.ContainsFunc(d.prepared.Findings, func(f driver.Finding) bool {
		return f.Severity == driver.Refuse || f.Severity == driver.Foreign
	})
}

// unchanged reports whether an app already runs what the call brings.
func (d *deployment) unchanged(p *participant) bool {
	return p.running.slug() != "" && p.running.slug() == d.wanted()
}

func refusal(t driver.Target, message, remedy string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Refuse, Message: message, Remedy: remedy}
}

func warning(t driver.Target, message, remedy string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Warn, Message: message, Remedy: remedy}
}

func note(t driver.Target, message string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Note, Message: message}
}
