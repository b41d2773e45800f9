package rollout

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// BackFrom says what the target would go back from, and where to. promotion as
// in [GoBack.Of]. That is the rollout at work, else the newest that changed the
// target, else what is queued: a rollout that has not begun is withdrawn, and
// the goal is empty. The error is a [*RefusedError]; with
// [RefusedError.Unchanged] the target is where it would go to, or on its way.
func (r *Record) BackFrom(promotion string) (from *Execution, goal Goal, err error) {
	from, err = undoneBy(r, promotion)
	if err != nil || from.Waits() || !from.Touched() && !from.Spec.Remote {
		return from, Goal{}, err
	}
	if promotion != "" {
		if err := refuseNewer(from, r, string(ToRollBack)); err != nil {
			return from, Goal{}, err
		}
	}
	goal, ok := from.owner().baseline()
	if !ok {
		return from, Goal{}, from.refuse(string(ToRollBack), ReasonNoBaseline)
	}
	return from, goal, nil
}

// undoneBy finds the rollout to go back from.
func undoneBy(r *Record, promotion string) (*Execution, error) {
	var queued *Execution
	for i := range slices.Backward(r.Rollouts) {
		e := &r.Rollouts[i]
		switch {
		case promotion != "" && e.Spec.Promotion != promotion && e.Rollout.RollbackOfRollout == "":
		case e.Waits() && !e.Spec.goesBack():
			if queued == nil {
				queued = e
			}
		case promotion != "" && e.Spec.Promotion != promotion && !undoes(r, e, promotion):
		default:
			found, err := backFrom(e)
			if found || err != nil {
				return e, err
			}
		}
	}
	if queued != nil {
		return queued, nil
	}
	return nil, &RefusedError{Command: string(ToRollBack), Target: r.Target, Reason: ReasonNothing}
}

// undoes reports whether a rollback undoes a rollout of a promotion.
func undoes(r *Record, back *Execution, promotion string) bool {
	e, ok := r.Rollout(back.Rollout.RollbackOfRollout)
	return ok && e.Spec.Promotion == promotion
}

// backFrom reports whether it is this rollout that is to be gone back from; an
// error says that the target is back already, or on its way. Neither: it
// changed nothing.
func backFrom(e *Execution) (bool, error) {
	command := string(ToRollBack)
	switch {
	case !e.Over() && e.Spec.goesBack():
		return false, e.refuse(command, ReasonGoingBack).because(e.Rollout.Name)
	case !e.Over():
		return true, nil
	case e.Spec.Command == CommandRollback && e.Rollout.State == StateSucceeded:
		return false, e.refuse(command, ReasonThere).because(e.Rollout.Name)
	case e.Spec.goesBack():
		return false, nil // it did not get there: what it was to undo still stands
	case e.Restored:
		return false, e.refuse(command, ReasonThere).because(e.Rollout.Name)
	case len(e.Rollout.RolledBackByRollouts) > 0:
		return false, nil
	default:
		return e.Touched() && !sameRelease(e), nil
	}
}

// sameRelease reports whether the rollout changed no release.
func sameRelease(e *Execution) bool {
	return e.Spec.Release.ID != "" && e.Spec.Release.ID == e.Previous.ID && !e.Steps.canaryStands()
}

// Goals are what the target can go back to, newest first, each release once: what
// stood before a rollout, and on a platform that owns its rollouts what SUCCEEDED.
// h may be nil where it is not loaded.
func (r *Record) Goals(h *History) []Goal {
	var all []Execution
	if h != nil {
		all = slices.Clone(h.Rollouts)
	}
	all = append(all, r.Rollouts...)
	var goals []Goal
	for i := range slices.Backward(all) {
		e := &all[i]
		if goal, ok := e.owner().baseline(); ok && e.Previous.ID != "" {
			goals = addGoal(goals, goal)
		}
		if e.Spec.Remote && e.Rollout.State == StateSucceeded {
			goals = addGoal(goals, Goal{Release: e.Spec.Release, Rollout: e.Rollout.Name})
		}
	}
	return goals
}

func addGoal(goals []Goal, g Goal) []Goal {
	if slices.ContainsFunc(goals, func(have Goal) bool { return have.Release.ID == g.Release.ID }) {
		return goals
	}
	return append(goals, g)
}

func (t GoBack) apply(r *Record, now time.Time) error {
	from, goal, err := t.plan(r)
	if err != nil {
		return err
	}
	if err := t.mayGoBack(r, from, goal, now); err != nil {
		return err
	}
	r.notePassed(Question{Intention: ToRollBack, Release: from.Spec.Release.ID}, t.By, now)
	r.placeGoingBack(from, t.By, now)
	if goal.Rollout == "" && t.Goal == nil {
		t.withdraw(r, from, now)
		return nil
	}
	spec := t.spec(from, goal)
	if h := r.Testers(); h != nil {
		spec.ClearTesters(*h)
	}
	back := newExecution(r, spec, named(from, goal), now)
	if !back.Spec.Remote {
		back.Rollout.Phases = back.Spec.buildPhases(false)
	}
	back.Baseline, back.BackTo = jsontext.Value(slices.Clone(goal.Baseline)), goal.Rollout
	back.Rollout.RollbackOfRollout = from.Rollout.Name
	back.Accepted = true // whatever stands: the goal is wanted
	undone := from.Rollout.Name
	if !from.Over() {
		from.owner().makeWay(r, way{by: back.Rollout.Name, actor: t.By.Login, why: t.why(back.Rollout.Name), person: t.By.Person}, now)
	}
	r.insert(back, queuedBehind(r, undone), "rollback of "+undone, now)
	return nil
}

// plan finds from what and where to.
func (t GoBack) plan(r *Record) (*Execution, Goal, error) {
	from, goal, err := r.BackFrom(t.Of)
	if t.Goal == nil {
		return from, goal, err
	}
	if err != nil && (from == nil || from.Spec.goesBack() && !from.Over()) {
		return nil, Goal{}, err
	}
	if r.Release != nil && r.Release.ID == t.Goal.Release.ID && (from.Over() || from.Waits()) {
		return nil, Goal{}, from.refuse(string(ToRollBack), ReasonThere)
	}
	return from, *t.Goal, nil
}

// mayGoBack says whether blocks are in the way: of both ways, or of the very
// release that the target would go back to.
func (t GoBack) mayGoBack(r *Record, from *Execution, goal Goal, now time.Time) error {
	blocks := r.Blocks.inTheWay(from, ToRollBack, t.By, now)
	for _, b := range r.Blocks.onGoal(goal.Release.ID, t.By, now) {
		if !slices.ContainsFunc(blocks, func(have Block) bool { return have.ID == b.ID }) {
			blocks = append(blocks, b)
		}
	}
	return refuseBlocked(from, ToRollBack, blocks)
}

// withdraw ends what has changed nothing yet.
func (t GoBack) withdraw(r *Record, from *Execution, now time.Time) {
	from.Rollout.FailureReason = t.why("")
	r.event(from, now, Event{Type: "rollout.withdrawn", Actor: t.By.Login, Message: t.By.Reason})
	from.owner().abort(r, now)
	from.finish(r, StateCancelled, now)
}

func (t GoBack) why(back string) string {
	switch {
	case t.Cause != "":
		return t.Cause
	case back == "":
		return "withdrawn by " + t.By.Login
	default:
		return "rolled back by " + back
	}
}

// spec is the plan of the rollback: today's where it was planned, else the
// undoneBy rollout's own.
func (t GoBack) spec(from *Execution, goal Goal) Spec {
	spec := from.Spec
	spec.Approval, spec.Options, spec.Source = nil, driver.Options{}, nil
	if t.Spec != nil {
		spec = *t.Spec
	}
	spec.Command, spec.Release = CommandRollback, goal.Release
	spec.Phases, spec.StartingPhase, spec.SoakUntil, spec.Rule = stableOf(driver.Rollback), "", time.Time{}, nil
	spec.Wait, spec.Restore, spec.Remote = nil, false, from.Spec.Remote
	spec.Gates = from.Spec.Gates.onRollback()
	spec.Creator, spec.Person, spec.RunURL, spec.Reason, spec.Overrides = t.By.Login, t.By.Person, t.By.RunURL, t.By.Reason, t.By.Overrides
	if t.Promotion != "" {
		spec.Promotion = t.Promotion
	}
	spec.Header = nil
	return spec
}

// named is the release that a rollback is named after.
func named(from *Execution, goal Goal) driver.Release {
	if goal.Release.ID != "" {
		return goal.Release
	}
	return driver.Release{ID: "before-" + nameFor(from.Spec.Release)}
}

// queuedBehind is the place after a rollout and before what is queued behind it.
func queuedBehind(r *Record, name string) int {
	for i := r.index(name) + 1; i < len(r.Rollouts); i++ {
		if !r.Rollouts[i].Over() {
			return i
		}
	}
	return len(r.Rollouts)
}

// rollbackOf is the newest rollback of a rollout.
func (r *Record) rollbackOf(e *Execution) (*Execution, bool) {
	for i := range slices.Backward(r.Rollouts) {
		if r.Rollouts[i].Rollout.RollbackOfRollout == e.Rollout.Name {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

func (t DisableCanary) apply(r *Record, now time.Time) error {
	q := Question{Intention: ToDisableCanary, Release: t.Spec.Release.ID, Person: t.By.Person, Overrides: t.By.Overrides}
	if blocks := r.Blocks.Stopping(q, now); len(blocks) > 0 {
		return &RefusedError{Command: CommandDisableCanary, Target: r.Target, Reason: ReasonBlocked, Blocks: blocks}
	}
	active, ok := r.Active()
	if ok && active.Spec.goesBack() {
		return active.refuse(CommandDisableCanary, ReasonGoingBack).because(active.Rollout.Name)
	}
	r.notePassed(q, t.By, now)
	spec := t.Spec
	spec.StartingPhase, spec.SoakUntil, spec.Rule = "", time.Time{}, nil
	spec.Command, spec.Phases, spec.Wait, spec.Restore = CommandDisableCanary, stableOf(driver.Disable), nil, false
	spec.Gates, spec.Creator, spec.Person = spec.Gates.onRollback(), t.By.Login, t.By.Person
	if h := cmp.Or(r.Testers(), spec.Header); h != nil {
		spec.ClearTesters(*h)
	}
	e := newExecution(r, spec, spec.Release, now)
	if !spec.Remote {
		e.Rollout.Phases = e.Spec.buildPhases(false)
	}
	e.Accepted = true
	at := len(r.Rollouts)
	switch {
	case !ok:
		leaveCanary(r, t, e.Rollout.Name, now)
	case active.Waits():
		at = r.index(active.Rollout.Name)
		leaveCanary(r, t, e.Rollout.Name, now)
	default:
		r.placeGoingBack(active, t.By, now)
		name := active.Rollout.Name
		active.owner().makeWay(r, way{by: e.Rollout.Name, actor: t.By.Login, why: "its canary was disabled by " + e.Rollout.Name, person: t.By.Person}, now)
		at = r.index(name) + 1
	}
	r.insert(e, at, "disable-canary of "+t.Spec.Release.ID, now)
	return nil
}

// Testers is what those send who are led to what a rollout of the record left for them;
// nil where nothing stands, as far as the record knows.
func (r *Record) Testers() *driver.Header {
	for i := range slices.Backward(r.Rollouts) {
		if e := &r.Rollouts[i]; e.Steps.testersStand() && !clearedSince(r, i) {
			return e.Spec.Header
		}
	}
	return nil
}

// clearedSince reports whether a rollout after the i-th took away what stood for testers.
func clearedSince(r *Record, i int) bool {
	return slices.ContainsFunc(r.Rollouts[i+1:], func(later Execution) bool {
		return later.Steps.isMade(driver.Unhost, driver.Host)
	})
}

// leaveCanary adds the blocks of going back from a canary that is no rollout's at work.
func leaveCanary(r *Record, t DisableCanary, by string, now time.Time) {
	if t.Canary.ID != "" {
		r.placeGoneBack(goneBack{release: t.Canary, after: t.Spec.AfterGoingBack, rollout: by}, t.By, now)
	}
}
