package rehearsal

import (
	"context"
	"fmt"
	"sync"

	"sluice/analysis"
	"sluice/internal/check"
	"sluice/internal/sandbox"
	"sluice/rollout"
)

// checks run no program and ask no URL of the user's: they pass, unless a fault says
// otherwise. What is measured is asked of the emulators.
type checks struct {
	runner *check.Runner
	faults []sandbox.Fault
	stages map[string]string // of targets

	mu   sync.Mutex
	left map[int]int // by fault: how often it was met
}

// Preflight finds everything there.
func (c *checks) Preflight(rollout.Gate) error { return nil }

// Run passes, as often as no fault says otherwise.
func (c *checks) Run(_ context.Context, g rollout.Gate, v check.Vars) error {
	if f, bad := c.spoiled(g, v); bad {
		return fmt.Errorf("%s fails, as fault %s says", g.Name(), f)
	}
	return nil
}

// Look asks the emulators; a number of a program or a URL is taken for good.
func (c *checks) Look(ctx context.Context, g rollout.Gate, v check.Vars, w analysis.Window) analysis.Sample {
	if g.Measured == nil {
		return c.runner.Look(ctx, g, v, w)
	}
	s := analysis.Pass("")
	if f, bad := c.spoiled(g, v); bad {
		s = analysis.Fail("", "it fails, as fault %s says", f)
	}
	s.At = w.Now.UTC()
	return s
}

// spoiled is the fault that a check meets.
func (c *checks) spoiled(g rollout.Gate, v check.Vars) (sandbox.Fault, bool) {
	step := StepRun
	if g.HTTP != nil {
		step = StepHTTP
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.faults {
		of := f.Target == v.Target || v.Target == "" && c.stages[f.Target] == v.Stage
		if f.Step != step || !of {
			continue
		}
		c.left[i]++
		if met := c.left[i]; met >= f.Nth && met < f.Nth+f.Times {
			return f, true
		}
	}
	return sandbox.Fault{}, false
}
