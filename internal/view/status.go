package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TargetStatus is what is known of a target: what its record says, and what the
// platform says runs there. Its release is what stands, and Moving what its
// rollout brings.
type TargetStatus struct {
	Target
	Runs     string    `json:"runs"`                // by the platform now
	RunsName string    `json:"runsName,omitempty"`  // what people call that
	Since    time.Time `json:"since,omitzero"`      // since when it runs, where the platform or our own record tells
	Shares   []Share   `json:"shares,omitempty"`    // how the traffic is divided, whoever divided it
	Moving   string    `json:"moving,omitempty"`    // the release of the rollout at work
	OnItsWay string    `json:"onItsWay,omitempty"`  // something newer that the platform is about to run
	Drift    bool      `json:"drift,omitempty"`     // the platform runs something else than the record says
	Says     string    `json:"stateSays,omitempty"` // with drift: what the record says
	Orphaned bool      `json:"orphaned,omitempty"`  // the pipeline declares it no more
	Approval *Approval `json:"approval,omitempty"`  // of the rollout at work, where it needs one
	Lease    *Lease    `json:"lease,omitempty"`     // the run that is or was at work on it
	Problem  string    `json:"problem,omitempty"`   // why the platform could not be asked
	LookedAt time.Time `json:"lookedAt,omitzero"`   // when what stands was last seen
}

// Share is a release's part of a target's traffic.
type Share struct {
	Release string `json:"release"`
	Name    string `json:"name,omitempty"` // what people call it
	Percent string `json:"percent"`
	Ours    bool   `json:"ours,omitempty"` // Sluice gave it
}

// Approval is how far an approval is.
type Approval struct {
	Approvers []string   `json:"approvers,omitempty"` // empty means whoever may write to the repository
	Quorum    int        `json:"quorum"`
	Given     []Approver `json:"given"`
	Until     time.Time  `json:"until,omitzero"`
}

// Approver is somebody who approved.
type Approver struct {
	Login     string    `json:"login"`
	At        time.Time `json:"at"`
	Emergency bool      `json:"emergency,omitempty"`
}

// Lease is a run that is at work on a target. It ends by itself, or with the run.
type Lease struct {
	Run     string    `json:"run"`
	RunURL  string    `json:"runURL,omitempty"`
	Actor   string    `json:"actor,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Over    bool      `json:"over,omitempty"` // the run is over: whoever comes next takes the target
}

// Overview is what is known of a pipeline.
type Overview struct {
	Outcome Outcome
	Targets []TargetStatus
}

// Status tells of targets, in their order: by the records, and by what was read
// of the platforms. over reports whether a run is over although its lease still
// holds; nil asks nobody. A target that the pipeline declares no more is orphaned.
func (v View) Status(state *ledger.State, targets []string, live map[string]planner.Reading, over func(rollout.Run) bool) Overview {
	t := v.tell(state)
	all := Overview{Outcome: Outcome{looks: true, Targets: []Target{}}, Targets: []TargetStatus{}}
	for _, name := range targets {
		r := state.Records[name]
		e := current(r)
		one := TargetStatus{Target: t.target(name, r, e, seen{}), Orphaned: t.declared[name] == nil, Lease: t.lease(r, over)}
		if e != nil && !e.Over() {
			one.Moving, one.Approval = e.Spec.Release.ID, t.approved(e)
		}
		reading, asked := live[name]
		one.read(reading, r, asked, t.Now)
		all.Targets = append(all.Targets, one)
		all.Outcome.Targets = append(all.Outcome.Targets, one.Target)
	}
	all.Outcome.Sum()
	all.Outcome.Promotion = common(all.Outcome.Targets)
	return all
}

// approved is how far a rollout's approval is; nil where it needs none.
func (t *telling) approved(e *rollout.Execution) *Approval {
	a := t.approvalOf(e.Spec.Target.Name, e.Spec.Approval)
	if a == nil {
		return nil
	}
	out := &Approval{Approvers: a.Approvers, Quorum: max(a.Quorum, 1), Given: []Approver{}}
	if e.Rollout.State == rollout.StatePendingApproval {
		out.Until = whole(e.ApprovalDeadline())
	}
	for _, d := range e.Approvals {
		if d.Approve {
			out.Given = append(out.Given, Approver{Login: d.Actor, At: d.Time, Emergency: d.Emergency})
		}
	}
	return out
}

// lease is the run that holds a target, or held it and did not let go; nil where
// it is free.
func (t *telling) lease(r *rollout.Record, over func(rollout.Run) bool) *Lease {
	if r == nil || r.Lease == "" {
		return nil
	}
	run := t.state.Runs[r.Lease]
	if run == nil {
		return nil
	}
	name := run.Name
	if name == "" {
		name = run.ID
	}
	return &Lease{
		Run: name, RunURL: run.RunURL, Actor: run.Actor, Attempt: run.Attempt, Started: run.Started, Until: run.Until,
		Over: !run.Holds(t.Now) || over != nil && over(*run),
	}
}

// read takes over what the platform said, asked at a time.
func (s *TargetStatus) read(reading planner.Reading, r *rollout.Record, asked bool, at time.Time) {
	if !asked || reading.Err != nil {
		s.LookedAt = lastSeen(r)
		if r != nil && r.Release != nil {
			s.Release, s.ReleaseName = r.Release.ID, r.Release.Name
		}
		if reading.Err != nil {
			s.Problem = reading.Err.Error()
		}
		return
	}
	runs := reading.Live.Release
	s.LookedAt = at.UTC().Truncate(time.Second)
	s.Runs, s.RunsName, s.Since, s.PlatformRelease = runs.ID, runs.Name, reading.Live.Since, runs.Platform
	s.Release, s.ReleaseName = runs.ID, runs.Name
	if s.Since.IsZero() {
		s.Since = since(r, runs.ID)
	}
	if p := reading.Live.Pending; p != nil {
		s.OnItsWay = p.ID
	}
	for _, share := range reading.Live.Shares {
		s.Shares = append(s.Shares, Share{Release: share.Release.ID, Name: share.Release.Name, Percent: share.Percent, Ours: share.Ours || gave(r, share)})
	}
	if r != nil && r.Release != nil && r.Release.ID != runs.ID {
		s.Drift, s.Says = true, r.Release.ID
	}
}

// lastSeen is when a target was last read back; zero where nobody did.
func lastSeen(r *rollout.Record) time.Time {
	if r == nil {
		return time.Time{}
	}
	for _, event := range slices.Backward(r.Events) {
		if event.Type == "effect.succeeded" {
			return event.Time
		}
	}
	return time.Time{}
}

// since is when a rollout of ours brought a release to where it stands alone; zero
// where none did.
func since(r *rollout.Record, release string) time.Time {
	if r == nil {
		return time.Time{}
	}
	for _, e := range slices.Backward(r.Rollouts) {
		if e.Rollout.State != rollout.StateSucceeded {
			continue
		}
		if e.Spec.Release.ID == release {
			return e.Rollout.DeployEndTime
		}
		break
	}
	return time.Time{}
}

// gave reports whether a rollout of ours gave a release its share.
func gave(r *rollout.Record, share driver.Share) bool {
	if r == nil {
		return false
	}
	return slices.ContainsFunc(r.Rollouts, func(e rollout.Execution) bool {
		return e.Spec.Release.ID == share.Release.ID && e.Touched() && (e.Rollout.State != rollout.StateCancelled || undoing(r, &e))
	})
}

// undoing reports whether a rollout's rollback is not over: what it gave stands.
func undoing(r *rollout.Record, e *rollout.Execution) bool {
	active, ok := r.Active()
	return ok && active.Rollout.RollbackOfRollout == e.Rollout.Name
}

// Traffic says how a target's traffic is divided; "" where one release has all.
func (s TargetStatus) Traffic() string {
	if len(s.Shares) < 2 {
		return ""
	}
	text := ""
	for i, share := range s.Shares {
		if i > 0 {
			text += ", "
		}
		text += share.Percent + " % to " + orElse(share.Name, share.Release)
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
	if s.Skipped {
		notes = append(notes, "was skipped: its promotion goes on without it")
	}
	if s.Drift {
		notes = append(notes, "shows drift: the state says "+s.Says+", and somebody else changed it")
	}
	if traffic := s.Traffic(); traffic != "" && s.foreign() {
		notes = append(notes, "divides its traffic: "+traffic+"; that was not Sluice")
	}
	if s.OnItsWay != "" {
		notes = append(notes, "is about to run "+s.OnItsWay+", by its platform")
	}
	if l := s.Lease; l != nil {
		notes = append(notes, l.words())
	}
	notes = append(notes, blockNotes(s.withoutError(), s.Target.Target)...)
	for _, q := range s.Queued {
		notes = append(notes, fmt.Sprintf("has %s queued behind %s (%s, release %s)", q.Rollout, q.Behind, q.State, q.Release))
	}
	if s.WaitingFor != nil || s.ErrorMessage != "" {
		for _, m := range s.Measures {
			notes = append(notes, "in "+m.Phase+" measured "+m.Words())
		}
	}
	for _, a := range s.Automation {
		notes = append(notes, "has the automation run "+a.Words())
	}
	return append(notes, s.troubles()...)
}

// Unasked says why the platform could not be asked, and when it was last. It begins
// with a verb, as [TargetStatus.Notes] do.
func (s TargetStatus) Unasked() string {
	return "could not be asked" + when(", last seen at ", s.LookedAt) + ": " + s.Problem
}

// foreign reports whether somebody else divided the traffic.
func (s TargetStatus) foreign() bool {
	return slices.ContainsFunc(s.Shares[1:], func(share Share) bool { return !share.Ours })
}

// words say which run is at work on a target.
func (l Lease) words() string {
	if l.Over {
		return "was held by " + l.Run + by(" by ", l.Actor) + ", which is over: the next run takes it" + by(": ", l.RunURL)
	}
	return "is at work in " + l.Run + by(" by ", l.Actor) + when(", at most until ", l.Until) + by(": ", l.RunURL)
}

// withoutError are the blocks; one whose reason is the failure that is told does
// not tell it again.
func (s TargetStatus) withoutError() []Block {
	blocks := slices.Clone(s.BlockedBy)
	for i := range blocks {
		if s.ErrorMessage != "" && blocks[i].Reason == s.ErrorMessage {
			blocks[i].Reason = ""
		}
	}
	return blocks
}

// blockNotes are a line a block. What one going back left is told once: it keeps
// its release away from everybody, and automation altogether.
func blockNotes(blocks []Block, target string) []string {
	var notes []string
	for i, b := range blocks {
		if i > 0 && b.ID == blocks[i-1].ID+"-automation" {
			continue
		}
		note, ends := b.Stands(), b.Ends(target)
		if i+1 < len(blocks) && blocks[i+1].ID == b.ID+"-automation" {
			note += "; automation brings nothing at all"
			ends = Command{Name: "unblock", Target: target, Reason: true}.String()
		}
		if ends != "" {
			note += "; `" + ends + "` ends it"
		}
		if len(b.Override) > 0 {
			note += "; " + strings.Join(b.Override, ", ") + " may pass it with --override " + b.ID + " --reason '…'"
		}
		notes = append(notes, note)
	}
	return notes
}

// troubles are what failed, and what is waited for.
func (s TargetStatus) troubles() []string {
	var notes []string
	if s.ErrorMessage != "" {
		note := "failed" + by(" in ", s.FailedIn) + ": " + s.ErrorMessage
		if s.Restored {
			note += "; it is as it was before"
		}
		notes = append(notes, note)
	}
	if len(s.Ways) > 0 {
		notes = append(notes, "goes on with `"+strings.Join(s.Ways, "` or `")+"`")
	}
	if s.Flagged {
		notes = append(notes, "was approved in an emergency, which an approver is to acknowledge")
	}
	if w := s.WaitingFor; w != nil && !s.stands(w.Block) && (w.Kind != WaitRun || s.Lease == nil) {
		notes = append(notes, w.Waits())
	}
	return notes
}

// stands reports whether a block is among those that are told.
func (s TargetStatus) stands(block string) bool {
	return slices.ContainsFunc(s.BlockedBy, func(b Block) bool { return b.ID == block })
}

// when joins a word and a time; "" where there is none.
func when(how string, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return how + at.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
