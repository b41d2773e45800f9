package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// The commands that create rollouts.
const (
	CommandPromote       = "promote"
	CommandPromoteCanary = "promote-canary"
	CommandRollback      = "rollback"
)

// Promotion is a request to move releases to a stage.
type Promotion struct {
	Stage       *pipeline.Stage
	From        *pipeline.Stage // nil means the stage before
	Targets     []*pipeline.Target
	Release     string
	AllowOlder  bool
	SkipStages  bool
	AcceptDrift bool
	Reason      string
	Options     driver.Options
	// Shard says that Targets are this job's share of a promotion that other
	// jobs of the run share: its id and all of its targets. Nil for a whole one.
	Shard *Shard
}

// Shard is one job's share of a promotion.
type Shard struct {
	Promotion string   // the id that all shards agree on; "" where they cannot
	Members   []string // the names of all targets of the promotion
}

// RefusedError means that nothing was done, and why: every reason at once.
type RefusedError struct {
	Findings []driver.Finding
}

// Error lists the reasons, one a line.
func (e *RefusedError) Error() string {
	lines := make([]string, 0, len(e.Findings))
	for _, f := range e.Findings {
		text := findingText(f)
		if f.Target != "" {
			text = f.Target + ": " + text
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func refused(target, message, remedy string) *RefusedError {
	return &RefusedError{Findings: []driver.Finding{{Target: target, Severity: driver.Refuse, Message: message, Remedy: remedy}}}
}

// journey is what a promotion would do on one target.
type journey struct {
	slot      *slot
	source    *slot // nil for a pipeline's first stage
	spec      rollout.Spec
	first     bool   // the platform says that nothing runs on the target
	runs      string // what runs there now, where the preflight told it
	unchanged bool
	resume    *rollout.Execution // an unfinished rollout of the same release
	queue     bool               // behind an unfinished rollout
	supersede string             // the rollout that this one replaces
}

// Promote moves releases to a stage: it pins them, looks at every target before
// the first effect, saves what is intended, and runs what is due.
func (e *Engine) Promote(ctx context.Context, req Promotion) (rollout.Outcome, error) {
	slots, err := e.load(ctx, req.Targets)
	if err != nil {
		return rollout.Outcome{}, err
	}
	id, again := e.promotionOf(req, slots)
	if again {
		return e.again(ctx, id, slots)
	}
	journeys, err := e.journeys(ctx, req, slots, id)
	if err != nil {
		return rollout.Outcome{}, err
	}
	return e.embark(ctx, journeys, voyage{id: id, command: CommandPromote, reason: req.Reason, shard: req.Shard})
}

// voyage is what all journeys of a promotion share.
type voyage struct {
	id, command, reason string
	shard               *Shard
}

// promotionOf names the promotion of a request: a shard's is shared with the
// other shards. again reports that its targets know it already.
func (e *Engine) promotionOf(req Promotion, slots []*slot) (id string, again bool) {
	if req.Shard == nil || req.Shard.Promotion == "" {
		return e.promotionID(CommandPromote, req.Stage.Name.Value, slots)
	}
	return req.Shard.Promotion, known(req.Shard.Promotion, slots)
}

// promotionID names a promotion: the same for a re-run of the same step, so
// that it is found again; again reports that it was.
func (e *Engine) promotionID(command, stage string, slots []*slot) (id string, again bool) {
	if e.Origin == "" {
		return uuid.NewString(), false
	}
	id = promotionName(e.Origin, command, stage, namesOf(slots))
	return id, known(id, slots)
}

// promotionName is a promotion's id by what makes it the same.
func promotionName(origin, command, stage string, targets []string) string {
	names := slices.Sorted(slices.Values(targets))
	sum := sha256.Sum256([]byte(strings.Join([]string{origin, command, stage, strings.Join(names, ",")}, "\n")))
	return "p-" + hex.EncodeToString(sum[:8])
}

// known reports whether a record has a share of the promotion.
func known(id string, slots []*slot) bool {
	return slices.ContainsFunc(slots, func(s *slot) bool {
		_, ok := s.record.Promotion(id)
		return ok
	})
}

// again reports a promotion that exists already and takes up what is unfinished.
func (e *Engine) again(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	open := slices.ContainsFunc(slots, func(s *slot) bool {
		p, ok := s.record.Promotion(id)
		return ok && p.Status == rollout.PromotionPending
	})
	if !open {
		return e.report(id, slots, nil), nil
	}
	e.Observer.Progress("", "this promotion was begun by an earlier attempt of the same job; resuming it")
	return e.resume(ctx, id, slots)
}

// resume runs what is due on slots whose rollouts exist.
func (e *Engine) resume(ctx context.Context, id string, slots []*slot) (rollout.Outcome, error) {
	if err := e.acquire(ctx, slots); err != nil {
		return rollout.Outcome{}, err
	}
	if err := e.commit(ctx, slots...); err != nil {
		return rollout.Outcome{}, err
	}
	return e.runAll(ctx, id, slots)
}

// journeys plans every target's share, and refuses all of them where one is
// refused.
func (e *Engine) journeys(ctx context.Context, req Promotion, slots []*slot, id string) ([]*journey, error) {
	var refusals []driver.Finding
	sources := &sourceCache{engine: e, slots: map[string]*slot{}, current: map[string]driver.Release{}}
	journeys := make([]*journey, 0, len(slots))
	for _, s := range slots {
		j, err := e.journey(ctx, req, s, sources)
		if err := collect(&refusals, err); err != nil {
			return nil, err
		}
		if j != nil {
			journeys = append(journeys, j)
		}
	}
	if len(refusals) > 0 {
		return nil, &RefusedError{Findings: refusals}
	}
	return journeys, e.preflight(ctx, journeys, id)
}

// journey plans one target's share.
func (e *Engine) journey(ctx context.Context, req Promotion, s *slot, sources *sourceCache) (*journey, error) {
	if err := e.mayStart(s, CommandPromote, req.Options.OverridePolicies); err != nil {
		return nil, err
	}
	source, err := e.sourceOf(ctx, req, s, sources)
	if err != nil {
		return nil, err
	}
	release, err := e.pin(ctx, req, s, source, sources)
	if err != nil {
		return nil, err
	}
	if s.record.IsAbandoned(release.ID) || (source != nil && source.record.IsAbandoned(release.ID)) {
		return nil, refused(s.name(), "release "+release.ID+" was abandoned", "promote another release")
	}
	j := &journey{slot: s, source: source}
	j.spec = e.spec(s.declared, release, req)
	if source != nil {
		t := source.declared.Driver()
		j.spec.Source = &t
	}
	if err := e.gatesRun(j.spec.Gates, s.name()); err != nil {
		return nil, err
	}
	return j, e.busy(ctx, req, j)
}

// mayStart refuses what a person's lock or a policy keeps from starting.
func (e *Engine) mayStart(s *slot, action string, overrides []string) error {
	if l := s.record.Lock; l != nil && l.Person {
		return refused(s.name(), fmt.Sprintf("locked by %s since %s: %s", l.Actor, l.Since.Format("2006-01-02 15:04 MST"), l.Reason), "`sluice unlock --target "+s.name()+"` first")
	}
	if b, blocked := e.Pipeline.Blocked(e.question(s.declared, action, append(slices.Clone(e.OverridePolicies), overrides...))); blocked {
		return refused(s.name(), b.Message, "")
	}
	return nil
}

// question asks the policies about an action on a target now.
func (e *Engine) question(t *pipeline.Target, action string, overrides []string) pipeline.Question {
	invoker := pipeline.InvokerPerson
	if e.Actor.Automated {
		invoker = pipeline.InvokerAutomation
	}
	return pipeline.Question{
		Stage: t.Stage.Name.Value, Target: t.Name.Value, Action: action, Invoker: invoker,
		Overrides: overrides, Actor: e.Actor.Login, Now: e.Now(),
	}
}

// gatesRun refuses checks that cannot run in this place.
func (e *Engine) gatesRun(g rollout.Gates, target string) error {
	if e.Checks == nil {
		return nil
	}
	for _, gates := range [][]rollout.Gate{g.Predeploy, g.Verify, g.Analysis, g.Postdeploy} {
		for _, gate := range gates {
			if err := e.Checks.Preflight(gate); err != nil {
				return refused(target, err.Error(), "")
			}
		}
	}
	return nil
}

// collect adds a refusal to the others; any other error ends the planning.
func collect(refusals *[]driver.Finding, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := asRefused(err); ok {
		*refusals = append(*refusals, r.Findings...)
		return nil
	}
	return err
}

// busy decides about a target with an unfinished rollout: the same release
// resumes, a newer one queues or supersedes, an older one is refused.
func (e *Engine) busy(ctx context.Context, req Promotion, j *journey) error {
	if err := e.free(ctx, j.slot, e.Now()); err != nil {
		return err
	}
	active, ok := j.slot.record.Active()
	if !ok {
		return nil
	}
	for i := range j.slot.record.Rollouts {
		if x := &j.slot.record.Rollouts[i]; !x.Rollout.State.Final() && x.Spec.Release.ID == j.spec.Release.ID && x.Spec.Command == CommandPromote {
			j.resume = x
			return nil
		}
	}
	if err := e.notOlder(ctx, req, j, active); err != nil {
		return err
	}
	if j.slot.declared.Stage.Supersede && len(active.Steps) == 0 {
		j.supersede = active.Rollout.Name
		return nil
	}
	j.queue = true
	return nil
}

// notOlder refuses a release that the platform created before the one under way.
func (e *Engine) notOlder(ctx context.Context, req Promotion, j *journey, active *rollout.Execution) error {
	if req.AllowOlder {
		return nil
	}
	mine, err := e.created(ctx, j, j.spec.Release)
	if err != nil {
		return err
	}
	theirs, err := e.created(ctx, j, active.Spec.Release)
	if err != nil {
		return err
	}
	if mine.CreateTime.IsZero() || theirs.CreateTime.IsZero() || !mine.CreateTime.Before(theirs.CreateTime) {
		return nil
	}
	return refused(j.slot.name(),
		fmt.Sprintf("release %s is older than %s, which is being rolled out (%s is %s)", mine.ID, theirs.ID, active.Rollout.Name, active.Rollout.State),
		"promote a newer release, or say --allow-older")
}

// created is a release with the platform's creation time.
func (e *Engine) created(ctx context.Context, j *journey, release driver.Release) (driver.Release, error) {
	if !release.CreateTime.IsZero() {
		return release, nil
	}
	place, err := e.place(j.spec.Target)
	if err != nil {
		return release, err
	}
	return retryReads(ctx, func() (driver.Release, error) { return place.Resolve(ctx, release.ID) })
}

// embark saves the rollouts of a promotion and runs them.
func (e *Engine) embark(ctx context.Context, journeys []*journey, v voyage) (rollout.Outcome, error) {
	slots := slotsOf(journeys)
	moving := slices.DeleteFunc(slices.Clone(journeys), func(j *journey) bool { return j.unchanged })
	if len(moving) == 0 {
		return e.report(v.id, slots, journeys), nil
	}
	at := slotsOf(moving)
	if err := e.acquire(ctx, at); err != nil {
		return rollout.Outcome{}, err
	}
	members := namesOf(at)
	if v.shard != nil {
		members = v.shard.Members
	}
	for _, j := range moving {
		e.create(j, v.id, v.command, v.reason, members)
	}
	if err := e.commit(ctx, at...); err != nil {
		return rollout.Outcome{}, err
	}
	_, err := e.runAll(ctx, v.id, at)
	return e.report(v.id, slots, journeys), err
}

// create puts a journey's rollout and promotion into its record.
func (e *Engine) create(j *journey, id, command, reason string, members []string) {
	s, now := j.slot, e.Now()
	name := ""
	if j.resume != nil {
		name = j.resume.Rollout.Name
	} else {
		if x, ok := s.record.Rollout(j.supersede); ok {
			_ = x.Supersede(&s.record, j.spec.Release.ID, now) // its deploy job was seen not to have started
		}
		j.spec.Promotion, j.spec.Members, j.spec.Command = id, members, command
		created := rollout.Create(&s.record, j.spec, j.first, now)
		if name = created.Rollout.Name; j.runs != "" {
			created.Previous = j.runs
		}
	}
	from := ""
	if j.source != nil {
		from = j.source.name()
	}
	s.record.Promotions = append(s.record.Promotions, rollout.Promotion{
		ID: id, Members: members, Status: rollout.PromotionPending, Release: j.spec.Release.ID, Rollout: name,
		Command: command, Stage: s.record.Stage, From: from, CreateTime: now.UTC(), Actor: e.Actor.Login,
		RunURL: e.Lease.RunURL, Origin: e.Origin, Reason: reason,
	})
	s.record.AddEvent(rollout.Event{Type: "promotion.created", Time: now.UTC(), Actor: e.Actor.Login, Rollout: name, Message: reason, Info: map[string]string{"promotion": id}})
	s.dirty = true
}

func slotsOf(journeys []*journey) []*slot {
	slots := make([]*slot, len(journeys))
	for i, j := range journeys {
		slots[i] = j.slot
	}
	return slots
}

func namesOf(slots []*slot) []string {
	names := make([]string, len(slots))
	for i, s := range slots {
		names[i] = s.name()
	}
	return names
}
