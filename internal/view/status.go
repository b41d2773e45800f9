package view

import (
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TargetStatus is what is known of a target: what its record says, and what the
// platform says runs there.
type TargetStatus struct {
	Target
	Runs     string    `json:"runs"`                // by the platform now
	RunsName string    `json:"runsName,omitempty"`  // what people call that
	Since    time.Time `json:"since,omitzero"`      // since when it runs, where the platform tells
	Shares   []Share   `json:"shares,omitempty"`    // how the traffic is divided, where it is
	OnItsWay string    `json:"onItsWay,omitempty"`  // something newer that the platform is about to run
	Drift    bool      `json:"drift,omitempty"`     // the platform runs something else than the record says
	Says     string    `json:"stateSays,omitempty"` // with drift: what the record says
	Orphaned bool      `json:"orphaned,omitempty"`  // the pipeline declares it no more
	Lease    *Lease    `json:"lease,omitempty"`     // the run that is at work on it
	Problem  string    `json:"problem,omitempty"`   // why the platform could not be asked
}

// Share is a release's part of a target's traffic.
type Share struct {
	Release string `json:"release"`
	Percent string `json:"percent"`
	Ours    bool   `json:"ours,omitempty"` // Sluice gave it
}

// Lease is a run that is at work on a target. It ends by itself, or with the run.
type Lease struct {
	Run     string    `json:"run"`
	RunURL  string    `json:"runURL,omitempty"`
	Actor   string    `json:"actor,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Until   time.Time `json:"until,omitzero"`
}

// Overview is what is known of a pipeline.
type Overview struct {
	Outcome Outcome
	Targets []TargetStatus
}

// Status tells of targets, in their order: by the records, and by what was read
// of the platforms. A target that the pipeline declares no more is orphaned.
func (v View) Status(state *ledger.State, targets []string, live map[string]planner.Reading) Overview {
	t := v.tell(state)
	over := Overview{Outcome: Outcome{looks: true, Targets: []Target{}}, Targets: []TargetStatus{}}
	for _, name := range targets {
		r := state.Records[name]
		one := TargetStatus{Target: t.target(name, r, current(r), seen{}), Orphaned: t.declared[name] == nil, Lease: t.lease(r)}
		if reading, asked := live[name]; asked {
			one.read(reading, r)
		}
		over.Targets = append(over.Targets, one)
		over.Outcome.Targets = append(over.Outcome.Targets, one.Target)
	}
	over.Outcome.Sum()
	over.Outcome.Promotion = common(over.Outcome.Targets)
	return over
}

// lease is the run that holds a target; nil where it is free, or the run is over.
func (t *telling) lease(r *rollout.Record) *Lease {
	if r == nil || r.Lease == "" {
		return nil
	}
	run := t.state.Runs[r.Lease]
	if run == nil || !run.Holds(t.Now) {
		return nil
	}
	name := run.Name
	if name == "" {
		name = run.ID
	}
	return &Lease{Run: name, RunURL: run.RunURL, Actor: run.Actor, Attempt: run.Attempt, Started: run.Started, Until: run.Until}
}

// read takes over what the platform said.
func (s *TargetStatus) read(reading planner.Reading, r *rollout.Record) {
	if reading.Err != nil {
		s.Problem = reading.Err.Error()
		return
	}
	runs := reading.Live.Release
	s.Runs, s.RunsName, s.Since, s.PlatformRelease = runs.ID, runs.Name, reading.Live.Since, runs.Platform
	if s.Release == "" {
		s.Release, s.ReleaseName = runs.ID, runs.Name
	}
	if p := reading.Live.Pending; p != nil {
		s.OnItsWay = p.ID
	}
	if len(reading.Live.Shares) > 1 {
		for _, share := range reading.Live.Shares {
			s.Shares = append(s.Shares, Share{Release: share.Release.ID, Percent: share.Percent, Ours: share.Ours || gave(r, share)})
		}
	}
	if r != nil && r.Release != nil && r.Release.ID != runs.ID {
		s.Drift, s.Says = true, r.Release.ID
	}
}

// gave reports whether a rollout of ours gave a release its share.
func gave(r *rollout.Record, share driver.Share) bool {
	if r == nil {
		return false
	}
	return slices.ContainsFunc(r.Rollouts, func(e rollout.Execution) bool {
		return e.Spec.Release.ID == share.Release.ID && e.Touched() && e.Rollout.State != rollout.StateCancelled
	})
}

// Traffic says how a target's traffic is divided; "" where one release has all.
func (s TargetStatus) Traffic() string {
	text := ""
	for i, share := range s.Shares {
		if i > 0 {
			text += ", "
		}
		text += share.Percent + " % to " + share.Release
	}
	return text
}

// Notes are what a table of targets has no room for, a line each. They begin with
// a verb: the target is their subject.
func (s TargetStatus) Notes() []string {
	var notes []string
	if s.Orphaned {
		notes = append(notes, "is orphaned: the state knows it and the pipeline does not; say `formerly` at the target that took its place")
	}
	if traffic := s.Traffic(); traffic != "" {
		notes = append(notes, "divides its traffic: "+traffic)
	}
	if s.OnItsWay != "" {
		notes = append(notes, "is about to run "+s.OnItsWay+", by its platform")
	}
	if l := s.Lease; l != nil {
		notes = append(notes, fmt.Sprintf("is at work in %s%s, at most until %s%s", l.Run, by(" by ", l.Actor), l.Until.UTC().Format(time.RFC3339), by(": ", l.RunURL)))
	}
	for _, b := range s.BlockedBy {
		note := b.Stands()
		if ends := b.Ends(s.Target.Target); ends != "" {
			note += "; `" + ends + "` ends it"
		}
		notes = append(notes, note)
	}
	for _, q := range s.Queued {
		notes = append(notes, fmt.Sprintf("has %s queued behind %s (%s, release %s)", q.Rollout, q.Behind, q.State, q.Release))
	}
	return append(notes, s.troubles()...)
}

// troubles are what failed, what could not be asked, and what is waited for.
func (s TargetStatus) troubles() []string {
	var notes []string
	if s.ErrorMessage != "" {
		notes = append(notes, "failed: "+s.ErrorMessage)
	}
	if s.Flagged {
		notes = append(notes, "was approved in an emergency, which an approver is to acknowledge")
	}
	if s.Problem != "" {
		notes = append(notes, "could not be asked: "+s.Problem)
	}
	if s.WaitingFor != nil {
		notes = append(notes, s.WaitingFor.Waits())
	}
	return notes
}
