package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Promotion asks for a promotion to a stage.
type Promotion struct {
	ID      string // see [Planner.PromotionID], or a shard's
	Stage   *pipeline.Stage
	From    *pipeline.Stage // nil means the stages before
	Targets []*pipeline.Target
	Release string // an id, a name, or 7 and more characters of an id; "" what the source runs
	// Releases are what each component gets, where Release is "".
	Releases    map[string]string
	AllowOlder  bool
	SkipStages  bool
	AcceptDrift bool
	Replace     bool // end what is under way and start from what stands
	Options     driver.Options
	// StartingPhase is the phase that the rollouts begin at; "" the first.
	StartingPhase string
	Rule          *rollout.Rule // of automation, that makes it; nil for none
	// Members are all targets of the promotion, where Targets are a shard's share of
	// them.
	Members []string // all of them where nil
	Shards  *rollout.Shards
}

// release is what a target is to get by the person's words; "" what its source
// runs.
func (req Promotion) release(t *pipeline.Target) string {
	if req.Release != "" {
		return req.Release
	}
	return req.Releases[t.Component.Value]
}

// Reads are the targets whose records a promotion needs: its own, and those that
// its releases come from.
func (p *Planner) Reads(req Promotion) []string {
	all := names(req.Targets)
	have := setOf(all)
	sources := sources{p.Pipeline, req}
	for _, t := range req.Targets {
		source, err := sources.of(t)
		if err != nil || source == nil {
			continue
		}
		for _, from := range append(sources.beside(t, source), source) {
			if !have[from.Name.Value] {
				have[from.Name.Value] = true
				all = append(all, from.Name.Value)
			}
		}
	}
	return all
}

// Promote plans a promotion. state holds the records that [Planner.Reads] names
// and the promotion where it exists already: then the plan is to go on with it,
// or to try again what failed, see [Plan.Again]. The error is ctx's alone; what
// refuses stands in the plan.
func (p *Planner) Promote(ctx context.Context, state *ledger.State, req Promotion) (Plan, error) {
	if known := state.Promotions[req.ID]; known != nil {
		return p.again(ctx, state, known, req)
	}
	if req.Members == nil {
		req.Members = names(req.Targets)
	}
	drafts := p.drafts(state, req, req.Targets)
	if err := p.fill(ctx, state, req, drafts); err != nil {
		return Plan{}, err
	}
	plan := Plan{Command: rollout.CommandPromote, Promotion: p.promotion(req, drafts)}
	plan.add(drafts...)
	return plan, nil
}

// fill finds out what becomes of each draft. What is refused or pending is left
// out of what comes after.
func (p *Planner) fill(ctx context.Context, state *ledger.State, req Promotion, drafts []*draft) error {
	sources{p.Pipeline, req}.find(drafts)
	proof := proof{Promotion: req, reader: p.reader, overrides: p.Actor.Overrides, state: state, runs: p.reader.runs(ctx, open(drafts))}
	proof.pin(ctx, drafts)
	p.reader.resolve(ctx, drafts)
	for _, d := range open(drafts) {
		d.spec = p.promotionSpec(d.target, req)
		d.spec.Promotion, d.spec.Release, d.spec.SoakUntil = req.ID, d.release, d.soaks
		d.spec.Rule = req.Rule
		d.startAt(req.StartingPhase)
		p.reviewed(d)
		d.spec.Controlled = len(req.Members) > 1
		if d.source != nil {
			source := d.source.Driver()
			d.spec.Source, d.spec.Beside = &source, namesOrNone(d.beside)
		}
		d.refusals = append(d.refusals, p.cannotRun(d.spec)...)
	}
	p.busy(ctx, req, drafts)
	join(state, drafts)
	p.reader.preflight(ctx, drafts)
	p.reader.comesNewer(ctx, drafts)
	for _, d := range open(drafts) {
		p.reachesInto(d)
	}
	standStill(req.Stage, drafts)
	return ctx.Err()
}

// join puts targets into the promotion that others go on in, where they are its
// members and were never saved in it: the run that made it died between two
// entries, which not every store saves together. A promotion of their own would
// begin beside the first wave, and what goes on would wait for them for ever.
func join(state *ledger.State, drafts []*draft) {
	open := map[string]*rollout.Promotion{} // by member
	seen := map[string]bool{}
	for _, d := range drafts {
		known := state.Promotions[d.spec.Promotion]
		if d.resumes == "" || known == nil || known.Shards != nil || seen[known.ID] {
			continue
		}
		seen[known.ID] = true
		for _, member := range known.Members {
			open[member] = known
		}
	}
	for _, d := range drafts {
		known := open[d.name()]
		if known == nil || d.resumes != "" {
			continue
		}
		if _, _, has := d.record.ShareOf(known.ID); !has {
			d.joins, d.spec.Promotion = true, known.ID
		}
	}
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

func (p *Planner) drafts(state *ledger.State, req Promotion, targets []*pipeline.Target) []*draft {
	drafts := make([]*draft, len(targets))
	for i, t := range targets {
		drafts[i] = &draft{target: t, record: p.record(state, t), replaces: req.Replace || t.Stage.Supersede}
	}
	return drafts
}

// record is a target's, fresh where it was never saved.
func (p *Planner) record(state *ledger.State, t *pipeline.Target) *rollout.Record {
	if r := state.Records[t.Name.Value]; r != nil {
		return r
	}
	fresh := p.Fresh(t)
	return &fresh
}

// promotion is the entry of a new promotion. A target whose release an older
// promotion is bringing stays that one's member; where that goes for all that is
// to be done, no new promotion is made.
func (p *Planner) promotion(req Promotion, drafts []*draft) rollout.Promotion {
	elsewhere, makes := map[string]bool{}, false
	for _, d := range drafts {
		elsewhere[d.name()] = d.resumes != "" || d.joins
		makes = makes || !elsewhere[d.name()]
	}
	members := slices.DeleteFunc(slices.Clone(req.Members), func(name string) bool { return elsewhere[name] })
	id := req.ID
	if !makes {
		id = ""
	}
	entry := p.entry(id, rollout.CommandPromote, req.Stage, members)
	entry.Shards, entry.Waves = req.Shards, waves(req.Stage, len(members))
	if req.From != nil {
		entry.From = req.From.Name.Value
	} else if !req.SkipStages {
		entry.From = strings.Join(pipeline.StageNames(p.Pipeline.Previous(req.Stage)), ", ")
	}
	for _, d := range drafts {
		if d.unchanged {
			entry.Unchanged = append(entry.Unchanged, d.name())
		}
	}
	return entry
}

// entry is what every promotion has.
func (p *Planner) entry(id, command string, stage *pipeline.Stage, members []string) rollout.Promotion {
	return rollout.Promotion{
		Schema: rollout.Schema, Pipeline: p.Pipeline.Name.Value, ID: id, Command: command,
		Stage: stage.Name.Value, Reason: p.Actor.Reason, Actor: p.Actor.Login, Person: p.Actor.Person,
		RunURL: p.Actor.RunURL, Origin: p.Origin, Attempt: p.Attempt, Commit: p.Commit,
		CreateTime: p.Work.Now().UTC(), Members: members, OnFailure: stage.OnFailure, TakeBack: stage.TakeBack,
	}
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
