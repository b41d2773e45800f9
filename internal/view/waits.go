package view

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
)

// seen is what an invocation knows of a target beside its record.
type seen struct {
	waiting rollout.Waiting // what the executor left it at
	err     error           // why it went no further
	left    error           // the run that it was left to, which is no trouble; nil where to none
	settled bool            // what time brought is in the record
}

// tryAgain is when it is worth another look where a platform does not say.
const tryAgain = time.Minute

// waiting says what a rollout that is not over waits for. There always is
// something.
func (t *telling) waiting(r *rollout.Record, e *rollout.Execution, s seen) Waiting {
	if run, held := t.held(r, cmp.Or(s.left, s.err)); held {
		return Waiting{Kind: WaitRun, By: run, Until: t.leaseEnd(r)}
	}
	if active, ok := r.Active(); ok && active.Rollout.Name != e.Rollout.Name {
		return t.behind(r, e, active)
	}
	if code := ExitOf(s.err); s.err != nil && code == ExitRefused && !isRefusal(s.err) {
		w := Waiting{Kind: rollout.WaitOperator, By: s.err.Error()}
		t.offer(&w, reconcile())
		return w
	}
	group := t.group(e.Spec.Promotion)
	if s.settled {
		due := rollout.Next(r, group, t.Setting, t.Now)
		if until := due.Waiting.Until; due.Action != rollout.ActionYield && (until.IsZero() || until.After(t.Now)) {
			return t.next(r, e, due, s)
		}
	}
	copied := lean(r)
	rollout.Settle(&copied, group, t.Setting, t.Now)
	settled, ok := copied.Active()
	if !ok || settled.Rollout.Name != e.Rollout.Name || len(copied.Orders) != len(r.Orders) {
		return t.due() // to end it, or to do what somebody ordered
	}
	return t.next(r, e, rollout.Next(&copied, group, t.Setting, t.Now), s)
}

// next tells what is due.
func (t *telling) next(r *rollout.Record, e *rollout.Execution, due rollout.Due, s seen) Waiting {
	switch due.Action {
	case rollout.ActionWait, rollout.ActionYield:
		return t.from(r, e, due.Waiting)
	case rollout.ActionFollow, rollout.ActionConfirm:
		if s.waiting.Kind == rollout.WaitPlatform {
			return t.platform(r.Target, s.waiting)
		}
		if w, ok := e.Awaits(r); ok {
			return t.from(r, e, w)
		}
		return t.operation(e)
	default:
		if s.waiting.Kind == rollout.WaitPlatform {
			return t.platform(r.Target, s.waiting)
		}
		return t.due()
	}
}

// held says which other run is at work on the target.
func (t *telling) held(r *rollout.Record, err error) (string, bool) {
	if held, ok := errors.AsType[*ledger.HeldError](err); ok {
		return runText(held.Run), true
	}
	if _, ordered := errors.AsType[*executor.OrderedError](err); !ordered && err != nil && ExitOf(err) == ExitConflict {
		return "another run", true
	}
	if r.Lease == "" || r.Lease == t.Run {
		return "", false
	}
	run := t.state.Runs[r.Lease]
	if run == nil || !run.Holds(t.Now) {
		return "", false
	}
	return runText(*run), true
}

func (t *telling) leaseEnd(r *rollout.Record) time.Time {
	if run := t.state.Runs[r.Lease]; run != nil && r.Lease != t.Run {
		return whole(run.Until)
	}
	return time.Time{}
}

// runText names a run for people.
func runText(r rollout.Run) string {
	text := "run " + r.ID
	switch {
	case r.Name != "" && r.Attempt > 1:
		text = fmt.Sprintf("%s, attempt %d", r.Name, r.Attempt)
	case r.Name != "":
		text = r.Name
	case r.Host != "" && r.PID > 0:
		text = fmt.Sprintf("process %d on %s", r.PID, r.Host)
	}
	if r.Actor != "" {
		text += " (started by " + r.Actor + ")"
	}
	if r.RunURL != "" {
		text += ": " + r.RunURL
	}
	return text
}

// behind tells of a rollout that another one on its target goes before: whoever
// may can approve it meanwhile.
func (t *telling) behind(r *rollout.Record, e, active *rollout.Execution) Waiting {
	if e.Rollout.State == rollout.StatePendingApproval {
		until := e.ApprovalDeadline()
		switch {
		case len(t.accepted(e, approvals(r, e))) > 0:
			return t.approval(r, e, rollout.Waiting{Until: until, Approval: e.Spec.Approval})
		case e.Stop == nil && !until.IsZero() && !until.After(t.Now):
			return t.due() // its approval has run out
		}
	}
	w := Waiting{Kind: rollout.WaitQueue, By: active.Rollout.Name}
	t.offer(&w, reconcile())
	return w
}

// due says that nothing is in the way.
func (t *telling) due() Waiting {
	w := Waiting{Kind: WaitDue, Until: t.Now.UTC().Truncate(time.Second), byItself: true}
	t.offer(&w, reconcile())
	return w
}

// operation tells of work that the platform is at.
func (t *telling) operation(e *rollout.Execution) Waiting {
	w := Waiting{Kind: rollout.WaitOperation, Until: t.Now.UTC().Truncate(time.Second), byItself: true}
	if until := e.Steps.UndecidedUntil(); until.After(t.Now) {
		w.Until = whole(until)
	}
	if step, open := e.Steps.Open(); open && step.Operation != nil {
		w.By = step.Operation.ID
	}
	t.offer(&w, reconcile())
	return w
}

// platform tells of a platform that takes no requests now.
func (t *telling) platform(target string, from rollout.Waiting) Waiting {
	w := t.fromPlatform(target, from)
	t.offer(&w, reconcile())
	return w
}

func (t *telling) fromPlatform(target string, from rollout.Waiting) Waiting {
	w := Waiting{Kind: rollout.WaitPlatform, Cause: from.Cause, Until: from.Until, By: from.Message, byItself: true}
	if w.Until.IsZero() {
		w.Until = t.Now.Add(tryAgain)
	}
	w.Until = whole(w.Until)
	switch {
	case from.Target == "" || from.Target == target:
	case from.Message == "":
		w.By = "that of " + from.Target + " cannot be reached"
	default:
		w.By = from.Target + ": " + from.Message
	}
	return w
}

// whole is a time in whole seconds, none earlier: what is printed without
// fractions is not too soon.
func whole(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	at = at.UTC()
	if floor := at.Truncate(time.Second); !floor.Equal(at) {
		return floor.Add(time.Second)
	}
	return at
}

// from tells in the words of the contract what rollout says.
func (t *telling) from(r *rollout.Record, e *rollout.Execution, from rollout.Waiting) Waiting {
	w := Waiting{Kind: from.Kind, Cause: from.Cause, Until: whole(from.Until), By: from.By}
	switch from.Kind {
	case rollout.WaitApproval:
		return t.approval(r, e, from)
	case rollout.WaitPlatform:
		return t.platform(r.Target, from)
	case rollout.WaitQueue:
		return t.due() // its time has come
	case rollout.WaitLock, rollout.WaitPolicy:
		return t.blocked(r, from)
	case rollout.WaitPerson:
		return t.person(r, e, from)
	case rollout.WaitOperator:
		return t.operator(r, e, from)
	case rollout.WaitOrder:
		if o := from.Order; o != nil {
			w.By, w.Reason, w.Until = o.By, o.Reason, whole(o.WaitsUntil)
			w.Order = o.Command
		}
		w.byItself = !w.Until.IsZero()
	case rollout.WaitWave:
		w.Wave = from.Wave + 1
		w.byItself = !w.Until.IsZero()
	case rollout.WaitBake, rollout.WaitSoak:
		w.byItself = true
	}
	t.offer(&w, reconcile())
	return w
}

// approval tells whose word is wanted.
func (t *telling) approval(r *rollout.Record, e *rollout.Execution, from rollout.Waiting) Waiting {
	if e.Stop != nil {
		from.Until = time.Time{} // it stands still
	}
	platforms, given := from.State != "", e.Approvals // only a platform's rollout has a state that says so
	if platforms {
		given = nil // those were the file's
	}
	by := approvers(t.approvalOf(r.Target, from.Approval), given)
	w := Waiting{Kind: rollout.WaitApproval, Until: whole(from.Until), By: by, byItself: !from.Until.IsZero(), platforms: platforms}
	t.offer(&w, t.accepted(e, approvals(r, e))...)
	return w
}

// approvalOf is the approval that a rollout was created with, by those whose word
// counts now: the file's, where it names any.
func (t *telling) approvalOf(target string, created *rollout.ApprovalSpec) *rollout.ApprovalSpec {
	declared := t.declared[target]
	if created == nil || declared == nil {
		return created
	}
	now := *created
	if named := planner.Approvers(declared); len(named) > 0 {
		now.Approvers = named
	}
	return &now
}

// approvals are the command lines that approve a rollout: with its promotion,
// where another one on the target waits for approval too.
func approvals(r *rollout.Record, e *rollout.Execution) []Command {
	one := to(rollout.ToApprove, r.Target)
	named := one
	named.Promotion = e.Spec.Promotion
	return []Command{one, named}
}

// approvers says who can approve, how many must, and who did.
func approvers(a *rollout.ApprovalSpec, decided []rollout.Decision) string {
	if a == nil {
		return ""
	}
	who := "anybody who may write to the repository"
	if a.Environment != "" {
		who = "reviewers of environment " + a.Environment
	}
	if len(a.Approvers) > 0 {
		who = strings.Join(a.Approvers, ", ")
	}
	if a.Quorum > 1 {
		who = fmt.Sprintf("%d of %s", a.Quorum, who)
	}
	if a.Environment != "" && len(a.Approvers) > 0 {
		who += " as reviewers of environment " + a.Environment
	}
	var given []string
	for _, d := range decided {
		if d.Approve {
			given = append(given, d.Actor)
		}
	}
	if len(given) > 0 {
		who += " (" + strings.Join(given, ", ") + " did)"
	}
	return who
}

// blocked tells of a block: how it ends, or who may pass it.
func (t *telling) blocked(r *rollout.Record, from rollout.Waiting) Waiting {
	w := Waiting{Kind: from.Kind, Until: whole(from.Until), By: from.By, byItself: !from.Until.IsZero()}
	if b := from.Block; b != nil {
		w.Block, w.Reason, w.Override, w.blockKind = b.ID, b.Reason, b.Override, b.Kind
		if from.Kind == rollout.WaitPolicy {
			w.By = b.ID
		}
	}
	if from.Kind == rollout.WaitLock && from.Block != nil {
		t.offer(&w, ending(*from.Block, r.Target))
		return w
	}
	t.offer(&w, reconcile())
	return w
}

// ending is the command line that ends a block that stands on a target. Somebody
// else's takes a reason. A release that was abandoned everywhere goes on only where
// that ends everywhere: it is stopped where it comes from too.
func ending(b rollout.Block, target string) Command {
	switch {
	case b.Kind == rollout.BlockLock:
		return Command{Name: "unlock", Target: target, Reason: true}
	case b.Kind == rollout.BlockAbandon && b.Scope == rollout.ScopePipeline:
		return Command{Name: "unblock", Block: b.ID, Reason: true}
	default:
		return Command{Name: "unblock", Block: b.ID, Target: target, Reason: true}
	}
}

// person tells of a rollout that a person has to start the next phase of. A
// platform's own that is HALTED wants a decision instead.
func (t *telling) person(r *rollout.Record, e *rollout.Execution, from rollout.Waiting) Waiting {
	w := Waiting{Kind: rollout.WaitPerson, Cause: from.Cause}
	if e.Stop == nil {
		w.Until = whole(from.Until)
	}
	if from.Cause == rollout.CauseResume {
		w.By = from.By
		t.offer(&w, reconcile())
		return w
	}
	if advance := to(rollout.ToAdvance, r.Target); t.accepts(advance, e) {
		t.offer(&w, advance)
		return w
	}
	w.Kind, w.By = rollout.WaitOperator, "the platform's rollout is "+string(e.Rollout.State)
	t.offer(&w, t.taken(r, e, decisions(r, e))...)
	return w
}

// operator tells of a decision that is wanted.
func (t *telling) operator(r *rollout.Record, e *rollout.Execution, from rollout.Waiting) Waiting {
	w := Waiting{Kind: rollout.WaitOperator, Cause: from.Cause, Until: whole(from.Until)}
	switch from.Cause {
	case rollout.CauseHalted, rollout.CausePast:
		w.By = from.Target + " failed and the stage halts"
		t.offer(&w, t.unhalting(r, e, from)...)
	case rollout.CausePlatform:
		w.By = "the platform's rollout is " + string(from.State)
		t.offer(&w, t.taken(r, e, decisions(r, e))...)
	case rollout.CauseState:
		w.By = "this version does not know the state " + string(from.State)
		t.offer(&w, reconcile())
	case rollout.CauseNothing:
		w.By = "no phase or job is left although the rollout is not over"
		t.offer(&w, t.taken(r, e, decisions(r, e))...)
	default:
		w.By = from.Message
		t.offer(&w, t.taken(r, e, decisions(r, e))...)
	}
	return w
}

// unhalting are the ways on for a target that another one's failure halts: a
// decision about that failure, leaving it out, or ending this one.
func (t *telling) unhalting(r *rollout.Record, e *rollout.Execution, from rollout.Waiting) []Command {
	var list []Command
	if by := t.state.Records[from.Target]; by != nil && from.Cause == rollout.CauseHalted {
		if failed, ok := by.Of(e.Spec.Promotion); ok {
			list = t.accepted(failed, decisionsOf(by, failed))
		}
	}
	if p := t.state.Promotions[e.Spec.Promotion]; p != nil && p.OnFailure == rollout.OnFailureHalt {
		list = append(list, Command{Name: "skip", Target: from.Target, Promotion: p.ID, Reason: true})
	}
	if len(list) > 1 {
		return list
	}
	return append(list, t.accepted(e, []Command{to(rollout.ToCancel, r.Target)})...)
}

// decisionsOf are the decisions about a target's failure, also where another
// rollout came after it there.
func decisionsOf(r *rollout.Record, e *rollout.Execution) []Command {
	var list []Command
	for _, c := range decisions(r, e) {
		if c.Name == string(rollout.ToCancel) || c.Name == string(rollout.ToRollBack) {
			continue
		}
		named := c
		named.Promotion = e.Spec.Promotion
		list = append(list, c, named)
	}
	return list
}

// accepted are the commands to a rollout that would be accepted now, one of each
// name.
func (t *telling) accepted(e *rollout.Execution, list []Command) []Command {
	var can []Command
	for _, c := range list {
		if !slices.ContainsFunc(can, func(have Command) bool { return have.Name == c.Name }) && t.accepts(c, e) {
			can = append(can, c)
		}
	}
	return can
}

// taken are those that would be accepted; where none is, what ends the block that
// is in their way.
func (t *telling) taken(r *rollout.Record, e *rollout.Execution, list []Command) []Command {
	if can := t.accepted(e, list); len(can) > 0 {
		return can
	}
	for _, b := range r.Blocks {
		if b.Holds(t.Now) && b.Whom == rollout.Everybody {
			return []Command{ending(b, r.Target)}
		}
	}
	return nil
}

// offer writes the first of the commands as the way on, and for a decision the
// second beside it. Where there is none, reconcile at least does no harm.
func (t *telling) offer(w *Waiting, list ...Command) {
	if len(list) == 0 {
		list = []Command{reconcile()}
	}
	w.Command = list[0].String()
	if t.Workflow != nil {
		w.Workflow = t.Workflow(list[0])
	}
	if w.Kind == rollout.WaitOperator && len(list) > 1 {
		w.Or = list[1].String()
	}
}
