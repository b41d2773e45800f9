package app

import (
	"encoding/json"

	"sluice/pipeline"
	"sluice/stages/driver"
)

// platformsAs is who asks the platforms for p's targets. A rehearsal has no profile of
// the machine's.
func platformsAs(p *pipeline.Pipeline, rehearsal bool) func(driver.Target) json.RawMessage {
	return func(t driver.Target) json.RawMessage {
		declared, err := p.Target(t.Name)
		if err != nil {
			return nil
		}
		if rehearsal {
			return declared.Platform.Identity.Anywhere(p.AsOf(t))
		}
		return p.AsOf(t)
	}
}

// checksAs is who asks for p's checks, by the vendor whose platforms these are. A
// rehearsal has no profile of the machine's.
func checksAs(p *pipeline.Pipeline, platforms []driver.Facts, rehearsal bool) func(stage, target, vendor string) json.RawMessage {
	return func(stage, target, vendor string) json.RawMessage {
		declared := declaredFor(p, stage, target, vendor)
		if !rehearsal || declared == nil {
			return declared
		}
		for _, f := range platforms {
			if f.Identity.Name == vendor {
				return f.Identity.Anywhere(declared)
			}
		}
		return declared
	}
}

// declaredFor is the identity that the file declares for a check of a target, or of a
// stage where the check belongs to none.
func declaredFor(p *pipeline.Pipeline, stage, target, vendor string) json.RawMessage {
	if t, err := p.Target(target); target != "" && err == nil {
		return t.As(vendor)
	}
	s, err := p.Stage(stage)
	if err != nil {
		return nil
	}
	return s.As(vendor)
}
