package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// draft is one target's move in the making.
type draft struct {
	target   *pipeline.Target
	record   *rollout.Record // never nil
	source   *pipeline.Target
	beside   []*pipeline.Target // have to run the release too
	release  driver.Release
	spec     rollout.Spec
	soaks    time.Time // until then the release has to stand on the stage before; zero where it need not
	refusals []Refusal
	pending  *rollout.Waiting
	findings []driver.Finding

	resumes   string // the rollout of the same release that goes on
	joins     bool   // it is a member of the promotion that the others go on in
	queued    bool
	replaces  bool
	unchanged bool
	first     bool
	runs      driver.Release
	stands    json.RawMessage // what was read of it for the preflight, with others; nil where it is read alone
	prepared  *driver.Prepared
	readAt    time.Time        // when what prepared stands on was read
	silent    *rollout.Waiting // its platform did not answer the preflight
	back      *rollout.GoBack
	away      *rollout.DisableCanary
	reviews   []rollout.Voter // who approved its environment in this run
	accepts   bool            // what stands is to be changed, whoever made it
	abandoned []standing      // blocks of its release where that comes from
}

// standing is a block with the target that it stands on.
type standing struct {
	target string
	block  rollout.Block
}

func (d *draft) name() string { return d.target.Name.Value }

// open reports whether the draft is neither refused nor pending.
func (d *draft) open() bool { return len(d.refusals) == 0 && d.pending == nil }

// open are the drafts that are.
func open(drafts []*draft) []*draft {
	return slices.DeleteFunc(slices.Clone(drafts), func(d *draft) bool { return !d.open() })
}

func (d *draft) refuse(message, remedy string) {
	d.refusals = append(d.refusals, refuse(d.name(), message, remedy))
}

// startAt has the rollout begin at a phase that was named.
func (d *draft) startAt(phase string) {
	switch {
	case phase == "":
	case d.spec.Remote:
		d.refuse("its platform owns the phases of its rollouts, and begins them at the first", "leave --starting-phase out")
	case !d.spec.StartAt(phase):
		var ids []string
		for _, p := range d.spec.Phases {
			ids = append(ids, p.ID)
		}
		d.refuse(fmt.Sprintf("its rollouts have no phase %q; they have %s", phase, strings.Join(ids, ", ")), "name one of these with --starting-phase")
	}
}

func (d *draft) move() Move {
	m := Move{
		Target: d.name(), First: d.prepared, ReadAt: d.readAt,
		Unchanged: d.unchanged, Pending: d.pending, Shows: d.shows(),
	}
	switch {
	case d.unchanged || d.pending != nil:
	case d.resumes == "":
		m.Do = append([]rollout.Transition{d.create()}, d.approvedBy()...)
	default:
		m.Do = d.approvedBy()
	}
	return m
}

func (d *draft) create() rollout.Transition {
	if d.away != nil {
		return *d.away
	}
	create := rollout.Create{Spec: d.spec, First: d.first, Runs: d.runs}
	if d.replaces && d.record.Unfinished() {
		return rollout.Replace{Create: create}
	}
	return create
}

func (d *draft) shows() Shows {
	s := Shows{
		Release: d.release, Runs: d.runs, Approval: d.spec.Approval != nil, First: d.first,
		Resumes: d.resumes, Queued: d.queued,
	}
	if d.source != nil {
		s.Source, s.Beside = d.source.Name.Value, namesOrNone(d.beside)
	}
	if s.Runs.ID == "" && d.record.Release != nil {
		s.Runs = *d.record.Release
	}
	if d.spec.Remote {
		return s
	}
	for _, phase := range d.spec.Phases {
		s.Phases = append(s.Phases, phase.ID)
	}
	return s
}

// approvedBy is the transition that takes over who approved a draft's rollout; none
// where nobody did.
func (d *draft) approvedBy() []rollout.Transition {
	if len(d.reviews) == 0 {
		return nil
	}
	return []rollout.Transition{rollout.Reviewed{Rollout: d.resumes, Promotion: d.spec.Promotion, Voters: d.reviews, Optional: true}}
}

// add takes drafts over into the plan.
func (plan *Plan) add(drafts ...*draft) {
	for _, d := range drafts {
		plan.Refusals = append(plan.Refusals, d.refusals...)
		plan.Findings = append(plan.Findings, d.findings...)
		if len(d.refusals) == 0 {
			plan.Moves = append(plan.Moves, d.move())
		}
	}
}

// setRelease takes the release that only the platform could tell.
func (d *draft) setRelease(r driver.Release) { d.release, d.spec.Release = r, r }

// testers is what those send who a target's canary is shown to first; nil for nobody. A
// rollout that left something for them counts before the file.
func (d *draft) testers() *driver.Header {
	if h := d.record.Testers(); h != nil || d.target.Canary == nil {
		return h
	}
	return d.target.Canary.Header.Driver()
}

// namesOrNone are the names of targets, nil of none.
func namesOrNone(targets []*pipeline.Target) []string {
	if len(targets) == 0 {
		return nil
	}
	return names(targets)
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

func names(targets []*pipeline.Target) []string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = t.Name.Value
	}
	return list
}
