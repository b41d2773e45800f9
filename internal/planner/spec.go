package planner

import (
	"maps"
	"reflect"
	"slices"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// declared is what the file has for targets and their promotions today, and who asks.
type declared struct{ Config }

// spec is a target's plan as the file has it today, without a release.
func (from declared) spec(t *pipeline.Target, command string, options driver.Options) rollout.Spec {
	return rollout.Spec{
		Command:          command,
		Target:           t.Driver(),
		Remote:           t.Platform.Remote,
		Takes:            takes(t.Platform),
		AfterGoingBack:   t.Stage.AfterGoingBack,
		Approval:         approval(t.Stage.Approval),
		Timeout:          rollout.Duration(t.Timeout),
		OperationTimeout: rollout.Duration(t.OperationTimeout),
		Poll:             rollout.Poll{Initial: rollout.Duration(t.Poll.Initial), Max: rollout.Duration(t.Poll.Max), Factor: t.Poll.Factor},
		PipelineDigest:   from.Pipeline.Digest,
		Creator:          from.Actor.Login,
		Person:           from.Actor.Person,
		RunURL:           from.Actor.RunURL,
		Reason:           from.Actor.Reason,
		Commit:           from.Commit,
		Overrides:        slices.Concat(from.Actor.Overrides, options.OverridePolicies),
		Options:          options,
		Gates: rollout.Gates{
			Predeploy:  append(gates(t.Stage.Predeploy), gates(t.Predeploy)...),
			Verify:     append(gates(t.Verify), gates(t.Stage.Verify)...),
			Postdeploy: append(gates(t.Postdeploy), gates(t.Stage.Postdeploy)...),
		},
	}
}

// takes are the commands that a platform takes for rollouts of its own.
func takes(facts driver.Facts) []driver.Kind {
	if !facts.Remote {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(facts.Kinds), func(k driver.Kind) bool { return !k.IsCommand() })
}

// promotionSpec is a target's plan of a promotion: with its canary.
func (from declared) promotionSpec(t *pipeline.Target, req Promotion) rollout.Spec {
	options := req.Options
	options.Labels = over(from.Pipeline.Labels, options.Labels)
	options.Annotations = over(from.Pipeline.Annotations, options.Annotations)
	options.AnyOrder = req.From != nil
	s := from.spec(t, rollout.CommandPromote, options)
	if t.Canary == nil {
		s.Phases = rollout.PhasesOf(nil, false)
		return s
	}
	s.UseStageCache, s.Restore = t.Canary.UseStageCache, t.Canary.OnFailure != "hold"
	s.Phases = rollout.PhasesOf(shares(t, s.Gates), t.Canary.Disable && leavesSettings(t))
	if own := t.Canary.Stable; own != nil && own.OwnVerify {
		stable := &s.Phases[len(s.Phases)-1]
		stable.Own = &rollout.PhaseOwn{Verify: verify(t, own, s.Gates)}
	}
	inCommon(&s)
	if h := t.Canary.Header.Driver(); h != nil {
		s.LeadTesters(*h)
	}
	return s
}

// leavesSettings reports whether a target's platform has settings of a canary to
// remove. Where it has none, stable leaves nothing behind.
func leavesSettings(t *pipeline.Target) bool { return t.Platform.Supports(driver.Disable) }

// inCommon says once what phases have in common: what the first of the canary has is
// the rollout's, and a phase that differs from that has its own.
func inCommon(s *rollout.Spec) {
	first := s.Phases[0].Own
	s.Wait, s.Variables, s.Gates.Analysis = first.Wait, first.Variables, first.Analysis
	all := rollout.PhaseOwn{Wait: s.Wait, Variables: s.Variables, Verify: s.Gates.Verify, Analysis: s.Gates.Analysis}
	for i, p := range s.Phases {
		if p.Own != nil && reflect.DeepEqual(*p.Own, all) {
			s.Phases[i].Own = nil
		}
	}
}

// shares are the phases of a target's canary.
func shares(t *pipeline.Target, g rollout.Gates) []rollout.PhaseSpec {
	var list []rollout.PhaseSpec
	for _, p := range t.Canary.Phases {
		own := rollout.PhaseOwn{Variables: p.Variables, Verify: verify(t, p, g), Analysis: gates(p.Analysis)}
		if p.Wait != nil {
			wait := rollout.Duration(*p.Wait)
			own.Wait = &wait
		}
		list = append(list, rollout.PhaseSpec{ID: p.Name.Value, Percent: p.Percent.Value, Own: &own})
	}
	return list
}

// verify are the checks of a phase: its own in the place of the target's, and those
// that the stage has once for all targets.
func verify(t *pipeline.Target, p *pipeline.Phase, g rollout.Gates) []rollout.Gate {
	if !p.OwnVerify {
		return g.Verify
	}
	return append(gates(p.Verify), gates(t.Stage.Verify)...)
}

// approval is who must agree; nil where nobody must.
func approval(a *pipeline.Approval) *rollout.ApprovalSpec {
	if a == nil || !a.Required {
		return nil
	}
	return &rollout.ApprovalSpec{Environment: a.Environment, Approvers: a.Approvers, Quorum: max(a.Quorum, 1), Timeout: rollout.Duration(a.Timeout), Self: a.Self}
}

func gates(checks []*pipeline.Check) []rollout.Gate {
	list := make([]rollout.Gate, 0, len(checks))
	for _, c := range checks {
		g := rollout.Gate{
			Run: c.Run, Shell: c.Shell, StageScope: c.Scope == "stage",
			Timeout: rollout.Duration(c.Timeout), DryRun: c.DryRun, OnRollback: c.OnRollback,
			Measured: c.Measured, Alarms: c.Alarms, Metric: c.Metric, Compare: c.Compare,
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

// cannotRun are the checks of a plan that cannot run in this place.
func (from declared) cannotRun(s rollout.Spec) []Refusal {
	if from.Checks == nil {
		return nil
	}
	var refusals []Refusal
	for _, c := range s.PlannedChecks() {
		if err := from.Checks.Preflight(c.Gate); err != nil {
			refusals = append(refusals, refuse(s.Target.Name, err.Error(), ""))
		}
	}
	return refusals
}

// over is what the file declares, and what a person said over it.
func over(declared, said map[string]string) map[string]string {
	all := maps.Clone(declared)
	if all == nil {
		return said
	}
	maps.Copy(all, said)
	return all
}

// fresh is the record of a target about which nothing was ever saved.
func (from declared) fresh(t *pipeline.Target) rollout.Record {
	return rollout.New(from.Pipeline.Name.Value, t.Driver())
}

// record is a target's, fresh where it was never saved.
func (from declared) record(state *ledger.State, t *pipeline.Target) *rollout.Record {
	return state.RecordOr(from.fresh(t))
}
