package clouddeploy

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

// draft is a call on its way through Prepare: its one change, where that is to happen,
// and what was found about it.
type draft struct {
	api      reader
	now      func() time.Time
	call     driver.Call
	change   driver.Change
	at       place
	findings []driver.Finding
}

func (p *draft) find(s driver.Severity, message, remedy string) {
	p.findings = append(p.findings, driver.Finding{Target: p.change.Target.Name, Severity: s, Message: message, Remedy: remedy})
}

func (p *draft) refuse(message, remedy string) { p.find(driver.Refuse, message, remedy) }

// refused reports whether a finding speaks against the call.
func (p *draft) refused() bool {
	return slices.ContainsFunc(p.findings, func(f driver.Finding) bool { return f.Severity == driver.Refuse })
}
