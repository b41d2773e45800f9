package view

import (
	"sort"
	"time"

	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Reported is all that a report about a pipeline has. It is plain data: written as
// JSON and read again it is the same.
type Reported struct {
	Pipeline    string            `json:"pipeline"`
	Description string            `json:"description,omitempty"`
	At          time.Time         `json:"at"` // when it was read
	Stages      []ReportedStage   `json:"stages"`
	Orphans     []ReportedTarget  `json:"orphans,omitempty"` // targets that the state knows and the pipeline does not
	Rollouts    []ReportedRollout `json:"rollouts"`          // oldest first
	Deliveries  []Delivery        `json:"deliveries"`        // by stage, in their order
}

// ReportedStage is a stage with what must be before a rollout on it begins.
type ReportedStage struct {
	Name      string           `json:"name"`
	After     []string         `json:"after,omitempty"`     // the stages that a release comes from
	Approvers []string         `json:"approvers,omitempty"` // of a stage that asks for an approval; empty means anybody who may write
	Quorum    int              `json:"quorum,omitempty"`    // approvals that it takes; 0 where it asks for none
	Waves     bool             `json:"waves,omitempty"`
	Soak      float64          `json:"soakSeconds,omitempty"` // how long a release stands on the stage before
	Targets   []ReportedTarget `json:"targets"`
}

// ReportedTarget is a target's status with its notes as sentences.
type ReportedTarget struct {
	TargetStatus
	Notes    []string `json:"notes,omitempty"`    // as [TargetStatus.Notes]; the target is their subject
	Unasked  string   `json:"unasked,omitempty"`  // as [TargetStatus.Unasked], where the platform could not be asked
	Waits    string   `json:"waits,omitempty"`    // what it waits for
	Commands []string `json:"commands,omitempty"` // what continues it
}

// ReportedRollout is a rollout of the history with its course.
type ReportedRollout struct {
	PastRollout
	Acted      bool            `json:"acted,omitempty"`     // something took effect, or may have
	Restored   bool            `json:"restored,omitempty"`  // traffic is back where it was before
	RestoredAt time.Time       `json:"restoredAt,omitzero"` // when
	ReleasedAt time.Time       `json:"releasedAt,omitzero"` // when the release was made, where the platform tells
	Phases     []ReportedPhase `json:"phases,omitempty"`    // in their order
	Traffic    []TrafficPoint  `json:"traffic,omitempty"`   // oldest first
	Votes      []ReportedVote  `json:"votes,omitempty"`     // approvals and rejections, oldest first
	Measures   []Measure       `json:"measurements,omitempty"`
}

// ReportedPhase is a phase of a rollout. Started is when its first effect was
// intended; zero before, and where the platform's own phases tell no time.
type ReportedPhase struct {
	ID      string             `json:"id"`
	State   rollout.PhaseState `json:"state"`
	Started time.Time          `json:"started,omitzero"`
	Ended   time.Time          `json:"ended,omitzero"`
}

// TrafficPoint says that a rollout's release has this share from then on.
type TrafficPoint struct {
	At      time.Time `json:"at"`
	Percent float64   `json:"percent"`
}

// ReportedVote is a person's word on a rollout.
type ReportedVote struct {
	Login     string    `json:"login"`
	Approved  bool      `json:"approved"`
	At        time.Time `json:"at"`
	Comment   string    `json:"comment,omitempty"`
	Emergency bool      `json:"emergency,omitempty"`
}

// Report puts together what a report has: the status of targets by their names, and
// rollouts, oldest first.
func (v View) Report(all Overview, rollouts []ReportedRollout) Reported {
	p := v.Pipeline
	r := Reported{Pipeline: p.Name.Value, Description: p.Description.Value, At: whole(v.Now), Rollouts: rollouts}
	known := make(map[string]ReportedTarget, len(all.Targets))
	for _, t := range all.Targets {
		one := reportedTarget(t)
		if t.Orphaned {
			r.Orphans = append(r.Orphans, one)
			continue
		}
		known[t.Target.Target] = one
	}
	for _, s := range p.Stages {
		if stage := reportedStage(s, known); len(stage.Targets) > 0 {
			stage.After = pipeline.StageNames(p.Previous(s))
			r.Stages = append(r.Stages, stage)
			r.Deliveries = append(r.Deliveries, DeliveryOf(s.Name.Value, rollouts, v.Now))
		}
	}
	return r
}

func reportedStage(s *pipeline.Stage, known map[string]ReportedTarget) ReportedStage {
	out := ReportedStage{Name: s.Name.Value, Waves: s.Waves != nil, Soak: s.Soak.Seconds(), Targets: []ReportedTarget{}}
	if a := s.Approval; a != nil && a.Required {
		out.Approvers, out.Quorum = a.Approvers, max(a.Quorum, 1)
	}
	for _, t := range s.Targets {
		if one, ok := known[t.Name.Value]; ok {
			out.Targets = append(out.Targets, one)
		}
	}
	return out
}

func reportedTarget(t TargetStatus) ReportedTarget {
	one := ReportedTarget{TargetStatus: t, Notes: t.Notes()}
	if t.Problem != "" {
		one.Unasked = t.Unasked()
	}
	if w := t.WaitingFor; w != nil {
		one.Waits, one.Commands = w.Waits(), w.Continues()
	}
	return one
}

// ReportedOf is a rollout with its course.
func ReportedOf(e *rollout.Execution) ReportedRollout {
	r := ReportedRollout{
		PastRollout: Past(e), Acted: e.Touched() || e.Restored, Restored: e.Restored, ReleasedAt: e.Spec.Release.CreateTime,
		Phases: phasesOf(e), Traffic: trafficOf(e), Measures: measures(e),
	}
	for _, s := range e.Steps {
		if e.Restored && (s.Call.Kind == driver.Rollback && s.State == rollout.StepDone || s.TookBack()) {
			r.RestoredAt = endOf(s)
		}
	}
	for _, d := range e.Approvals {
		r.Votes = append(r.Votes, ReportedVote{Login: d.Actor, Approved: d.Approve, At: d.Time, Comment: d.Comment, Emergency: d.Emergency})
	}
	return r
}

// phasesOf are the phases with their times. One that is the last to have begun of a
// rollout that is over ended with it.
func phasesOf(e *rollout.Execution) []ReportedPhase {
	list := make([]ReportedPhase, 0, len(e.Rollout.Phases))
	for _, p := range e.Rollout.Phases {
		one := ReportedPhase{ID: p.ID, State: p.State, Ended: e.Times[p.ID]}
		for _, s := range e.Steps {
			if s.Phase == p.ID && (one.Started.IsZero() || s.Time.Before(one.Started)) {
				one.Started = s.Time
			}
		}
		if e.Over() && one.Ended.IsZero() && !one.Started.IsZero() {
			one.Ended = e.Rollout.DeployEndTime
		}
		list = append(list, one)
	}
	return list
}

// trafficOf is which share the rollout's release had, by the effects that were read
// back.
func trafficOf(e *rollout.Execution) []TrafficPoint {
	var list []TrafficPoint
	for _, s := range e.Steps {
		if s.State != rollout.StepDone || len(s.Call.Changes) == 0 {
			continue
		}
		percent, moves := shareOf(e, s)
		if moves {
			list = append(list, TrafficPoint{At: endOf(s), Percent: percent})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].At.Before(list[j].At) })
	return list
}

// shareOf is the share that an effect leaves the rollout's release, and whether it
// changes it at all.
func shareOf(e *rollout.Execution, s rollout.Step) (percent float64, moves bool) {
	switch s.Call.Kind {
	case driver.Weight:
		return finite(s.Call.Changes[0].Percent)
	case driver.Deploy, driver.Stable:
		return 100, true
	case driver.Rollback:
		if e.Spec.Command == rollout.CommandRollback {
			return 100, true // it brings the release that is gone back to
		}
		return 0, true
	default:
		return 0, false
	}
}

// endOf is when an effect was over, as far as anybody knows.
func endOf(s rollout.Step) time.Time {
	if s.Operation != nil && s.Operation.Ended.After(s.Time) {
		return s.Operation.Ended
	}
	return s.Time
}
