package app

import (
	"encoding/json"

	"sluice/pipeline"
	"sluice/stages/driver"
)

// as is who asks the platforms for p's targets.
func (inv *invocation) as(p *pipeline.Pipeline) func(driver.Target) json.RawMessage {
	return func(t driver.Target) json.RawMessage {
		for _, known := range inv.platforms {
			if known.Facts.Platform == t.Platform {
				return inv.here(known.Facts.Identity.Name, p.AsOf(t))
			}
		}
		return nil
	}
}

// checksAs is who asks for p's checks.
func (inv *invocation) checksAs(p *pipeline.Pipeline) func(stage, target, vendor string) json.RawMessage {
	return func(stage, target, vendor string) json.RawMessage {
		if t, err := p.Target(target); target != "" && err == nil {
			return inv.here(vendor, t.As(vendor))
		}
		s, err := p.Stage(stage)
		if err != nil {
			return nil
		}
		return inv.here(vendor, s.As(vendor))
	}
}

// here is an identity as this process asks as it: a rehearsal has no profile of the
// machine's.
func (inv *invocation) here(vendor string, declared json.RawMessage) json.RawMessage {
	if inv.sandboxEnv == nil || declared == nil {
		return declared
	}
	for _, p := range inv.platforms {
		if p.Facts.Identity.Name == vendor {
			return p.Facts.Identity.Anywhere(declared)
		}
	}
	return declared
}

// rehearsedAs is who asks for p's targets in a rehearsal.
func rehearsedAs(p *pipeline.Pipeline) func(driver.Target) json.RawMessage {
	return func(t driver.Target) json.RawMessage {
		declared, err := p.Target(t.Name)
		if err != nil {
			return nil
		}
		return declared.Platform.Identity.Anywhere(p.AsOf(t))
	}
}
