package engine

import (
	"maps"
	"time"

	"sluice/internal/old/rollout"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// spec freezes the plan of a promotion to t.
func (e *Engine) spec(t *pipeline.Target, release driver.Release, req Promotion) rollout.Spec {
	s := e.baseSpec(t)
	s.Release = release
	s.Options = req.Options
	s.Options.Labels = over(e.Pipeline.Labels, req.Options.Labels)
	s.Options.Annotations = over(e.Pipeline.Annotations, req.Options.Annotations)
	s.Options.AnyOrder = req.From != nil
	s.Options.OverridePolicies = append(s.Options.OverridePolicies, e.OverridePolicies...)
	var percentages []string
	if c := t.Canary; c != nil {
		for _, p := range c.Percentages {
			percentages = append(percentages, p.Value)
		}
		s.Variables, s.UseStageCache, s.Restore = c.Variables, c.UseStageCache, c.OnFailure != "hold"
		s.Gates.Analysis = gates(c.Analysis)
		if c.Wait != nil {
			wait := rollout.Duration(*c.Wait)
			s.Wait = &wait
		}
	}
	s.Phases = rollout.PhasesOf(percentages, t.Canary != nil && t.Canary.Disable)
	return s
}

// baseSpec is what every rollout to t has, whatever the command.
func (e *Engine) baseSpec(t *pipeline.Target) rollout.Spec {
	s := rollout.Spec{
		Target:           t.Driver(),
		Remote:           t.Platform.Remote,
		OnFailure:        t.Stage.OnFailure,
		Approval:         approvalSpec(t.Stage.Approval),
		Timeout:          rollout.Duration(t.Timeout),
		OperationTimeout: rollout.Duration(t.OperationTimeout),
		Poll:             rollout.Poll{Initial: rollout.Duration(t.Poll.Initial), Max: rollout.Duration(t.Poll.Max), Factor: t.Poll.Factor},
		PipelineDigest:   e.Pipeline.Digest,
		Creator:          e.Actor.Login,
		Gates: rollout.Gates{
			Predeploy:  append(gates(t.Stage.Predeploy), gates(t.Predeploy)...),
			Verify:     append(gates(t.Verify), gates(t.Stage.Verify)...),
			Postdeploy: append(gates(t.Postdeploy), gates(t.Stage.Postdeploy)...),
		},
	}
	return s
}

func approvalSpec(a *pipeline.Approval) *rollout.ApprovalSpec {
	if a == nil || !a.Required {
		return nil
	}
	return &rollout.ApprovalSpec{Approvers: a.Approvers, Quorum: max(a.Quorum, 1), Timeout: rollout.Duration(a.Timeout), Self: a.Self}
}

func gates(checks []*pipeline.Check) []rollout.Gate {
	list := make([]rollout.Gate, 0, len(checks))
	for _, c := range checks {
		g := rollout.Gate{
			Run: c.Run, Shell: c.Shell, StageScope: c.Scope == "stage",
			Timeout: rollout.Duration(c.Timeout), DryRun: c.DryRun, OnRollback: c.OnRollback,
		}
		if h := c.HTTP; h != nil {
			g.HTTP = &rollout.HTTPGate{
				URL: h.URL, Method: h.Method, Status: h.Status, Contains: h.Contains, Attempts: h.Attempts,
				Interval: rollout.Duration(h.Interval), Headers: h.Headers,
			}
		}
		list = append(list, g)
	}
	return list
}

// changed reports whether the pipeline file is not the one a rollout was
// created from.
func (e *Engine) changed(x *rollout.Execution) bool {
	return x.Spec.PipelineDigest != "" && x.Spec.PipelineDigest != e.Pipeline.Digest
}

// minute rounds a time for people.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// over is the pipeline's words with a person's over them.
func over(declared, said map[string]string) map[string]string {
	all := maps.Clone(declared)
	if all == nil {
		return said
	}
	maps.Copy(all, said)
	return all
}
