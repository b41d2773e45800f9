package engine

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// Plan is what a promotion would do. Nothing was changed to find out.
type Plan struct {
	Targets  []TargetPlan     `json:"targets"`
	Findings []driver.Finding `json:"findings"`
}

// Refused reports whether the promotion would be refused.
func (p Plan) Refused() bool {
	return slices.ContainsFunc(p.Findings, func(f driver.Finding) bool {
		return f.Severity == driver.Refuse || f.Severity == driver.Foreign
	})
}

// Release is the one that every target gets, "" where they differ.
func (p Plan) Release() string {
	release := ""
	for i, t := range p.Targets {
		if i > 0 && t.Release != release {
			return ""
		}
		release = t.Release
	}
	return release
}

// TargetPlan is one target's share of a plan.
type TargetPlan struct {
	Target    string          `json:"target"`
	Stage     string          `json:"stage"`
	Platform  string          `json:"platform"`
	Source    string          `json:"source,omitempty"`
	Release   string          `json:"release"`
	Runs      string          `json:"runs,omitempty"` // by the record, what runs there now
	Phases    []string        `json:"phases"`
	Approval  bool            `json:"approval,omitempty"`
	Unchanged bool            `json:"unchanged,omitempty"`
	First     bool            `json:"first,omitempty"`
	Resumes   string          `json:"resumes,omitempty"`
	Queued    bool            `json:"queued,omitempty"`
	Requests  []string        `json:"requests,omitempty"` // what the first effect would send
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"` // after the first effect, predicted
}

// Plan works a promotion out without doing any of it.
func (e *Engine) Plan(ctx context.Context, req Promotion) (Plan, error) {
	slots, err := e.load(ctx, req.Targets)
	if err != nil {
		return Plan{}, err
	}
	quiet := *e
	notes := &collector{}
	quiet.Observer = notes
	journeys, err := quiet.journeys(ctx, req, slots, uuid.NewString())
	plan := Plan{Targets: []TargetPlan{}, Findings: notes.findings}
	if r, ok := asRefused(err); ok {
		plan.Findings = append(plan.Findings, r.Findings...)
		return plan, nil
	}
	if err != nil {
		return Plan{}, err
	}
	fresh := map[string]*driver.Prepared{}
	for _, j := range journeys {
		if p := j.slot.fresh; p != nil {
			for _, name := range append(p.Call.Names(), p.Unchanged...) {
				fresh[name] = p
			}
		}
	}
	for _, j := range journeys {
		plan.Targets = append(plan.Targets, j.plan(fresh[j.slot.name()]))
	}
	return plan, nil
}

func (j *journey) plan(p *driver.Prepared) TargetPlan {
	t := TargetPlan{
		Target: j.slot.name(), Stage: j.slot.record.Stage, Platform: j.slot.record.Platform, Release: j.spec.Release.ID,
		Approval: j.spec.Approval != nil, Unchanged: j.unchanged, First: j.first, Queued: j.queue, Phases: phaseNames(j.spec),
	}
	if j.source != nil {
		t.Source = j.source.name()
	}
	if r := j.slot.record.Release; r != nil {
		t.Runs = r.ID
	}
	if j.resume != nil {
		t.Resumes = j.resume.Rollout.Name
	}
	if p != nil {
		t.Before, t.After = p.Before[t.Target], p.After[t.Target]
		if !j.unchanged {
			t.Requests = p.Requests
		}
	}
	return t
}

func phaseNames(s rollout.Spec) []string {
	if s.Remote {
		return nil
	}
	names := make([]string, 0, len(s.Phases))
	for _, p := range s.Phases {
		names = append(names, p.ID)
	}
	return names
}

// collector keeps warnings instead of showing them.
type collector struct{ findings []driver.Finding }

func (c *collector) Progress(string, string) {}

func (c *collector) Warn(target, text string) {
	c.findings = append(c.findings, driver.Finding{Target: target, Severity: driver.Warn, Message: text})
}

func (c *collector) Log(string, string, string) {}

func (c *collector) Event(string, rollout.Event) {}
