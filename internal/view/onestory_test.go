package view

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
)

// checkStory asserts that everything that is told of the world now is one story,
// looked at and as the result of an invocation that stopped here.
func checkStory(w *world) {
	w.t.Helper()
	w.took = map[string]error{}
	look := w.view().Look(w.state, "", targets()...)
	checkOutcome(w, look)
	checkOutcome(w, w.result(planner.Plan{Command: planner.CommandReconcile}, nil, nil))
	for id, p := range w.state.Promotions {
		checkOutcome(w, w.result(planner.Plan{Command: p.Command, Promotion: rollout.Promotion{ID: id}}, nil, nil))
	}
	over := w.view().Status(w.state, targets(), nil, nil)
	if over.Outcome.Exit(false) != ExitDone {
		w.t.Errorf("a look ends with exit %d", over.Outcome.Exit(false))
	}
	for i, s := range over.Targets {
		if tellTarget(s.Target) != tellTarget(look.Targets[i]) {
			w.t.Errorf("status tells\n%s\nthe outcome\n%s", tellTarget(s.Target), tellTarget(look.Targets[i]))
		}
	}
}

// result is the outcome of an invocation that goes no further with any target;
// errs say why, by target.
func (w *world) result(plan planner.Plan, err error, errs map[string]error) Outcome {
	result := executor.Result{Promotions: w.state.Promotions, Err: err}
	for _, name := range targets() {
		r := w.state.Records[name]
		due := rollout.Next(r, w.view().tell(w.state).group(promotionOf(r)), w.setting, w.now)
		result.Rows = append(result.Rows, executor.RowResult{Target: name, Record: r, Waiting: due.Waiting, Err: errs[name]})
		plan.Moves = append(plan.Moves, planner.Move{Target: name})
	}
	return w.view().Result(w.state, plan, result)
}

// checkTroubles asserts one story where something kept an invocation from going
// on with its second target.
func checkTroubles(w *world) {
	w.t.Helper()
	plan := planner.Plan{Command: planner.CommandReconcile}
	held := &ledger.HeldError{Targets: []string{"b"}, Run: rollout.Run{ID: "r-9", Name: "octo/shop/runs/9/deploy"}}
	ordered := &executor.OrderedError{Target: "b", Order: rollout.Order{ID: "o-9", Command: rollout.OrderRollback, By: "dave"}}
	unreadable := &ledger.UnreadableError{Op: "write", Err: errors.New("no space is left")}
	stopped := errors.New("terminated")
	for _, c := range []struct {
		row, whole error
		status     Status
		exit       Exit
	}{
		{held, held, Conflict, ExitConflict},
		{ordered, ordered, Conflict, ExitConflict},
		{unreadable, unreadable, Error, ExitState},
		{unreadable, ledger.Join(held, unreadable), Error, ExitState},
		{held, errors.Join(stopped, held), Interrupted, ExitInterrupted},
		{nil, stopped, Interrupted, ExitInterrupted},
	} {
		out := w.result(plan, c.whole, map[string]error{"b": c.row})
		if out.Status != c.status || out.Exit(false) != c.exit {
			w.t.Errorf("after %v: %s with exit %d, want %s with %d", c.whole, out.Status, out.Exit(false), c.status, c.exit)
		}
		for _, o := range out.Targets {
			checkTroubled(w, o, c.row)
		}
	}
	denied := errors.New("403: the token may not do that")
	out := w.result(plan, nil, map[string]error{"b": denied})
	for _, o := range out.Targets {
		checkTarget(w, o)
	}
	if b := out.Targets[1]; b.Status == rollout.PromotionPending && b.WaitingFor.Kind != WaitRun && b.WaitingFor.Kind != rollout.WaitQueue && (!out.Asks() || b.WaitingFor.By != denied.Error()) {
		w.t.Errorf("after %v: %s, %s", denied, out.Status, tellTarget(b))
	}
}

// checkTroubled holds what is told of a target with a trouble against its record.
func checkTroubled(w *world, o Target, trouble error) {
	w.t.Helper()
	if o.Target == "b" && trouble != nil && o.Rollout != "" && !strings.Contains(o.ErrorMessage, trouble.Error()) {
		w.t.Errorf("%s says nothing of %v: %s", o.Target, trouble, tellTarget(o))
	}
	if o.WaitingFor == nil {
		return
	}
	if _, other := trouble.(*ledger.HeldError); other && o.Target == "b" && (o.WaitingFor.Kind != WaitRun || len(o.WaitingFor.Continues()) > 0) { //nolint:errorlint // it is made above
		w.t.Errorf("%s is held by another run: %s", o.Target, o.WaitingFor.Waits())
	}
	checkWaiting(w, o, *o.WaitingFor)
}

func promotionOf(r *rollout.Record) string {
	e, ok := r.Active()
	if !ok {
		return ""
	}
	return e.Spec.Promotion
}

func checkOutcome(w *world, out Outcome) {
	w.t.Helper()
	var next time.Time
	for _, o := range out.Targets {
		checkTarget(w, o)
		if wait := o.WaitingFor; wait != nil && wait.byItself && (next.IsZero() || wait.Until.Before(next)) {
			next = wait.Until
		}
	}
	if !out.Next.Equal(next) {
		w.t.Errorf("next is %v, and the targets say %v", out.Next, next)
	}
	checkSum(w, out)
}

// checkSum holds the status and the exit code against the targets.
func checkSum(w *world, out Outcome) {
	w.t.Helper()
	count := map[rollout.PromotionStatus]int{}
	asks := false
	for _, o := range out.Targets {
		count[o.Status]++
		asks = asks || o.WaitingFor != nil && o.WaitingFor.Kind == rollout.WaitOperator
	}
	failed, pending := count[rollout.PromotionFailed] > 0, count[rollout.PromotionPending] > 0
	want := map[Status]Exit{Succeeded: ExitDone, Unchanged: ExitDone, Pending: ExitDone, Failed: ExitFailed, Refused: ExitRefused}[out.Status]
	if out.Status == Pending && asks {
		want = ExitRefused
	}
	switch {
	case out.Exit(false) != want:
		w.t.Errorf("%s with exit %d", out.Status, out.Exit(false))
	case out.Status == Refused && pending:
		w.t.Error("refused, although a target goes on")
	case failed != (out.Status == Failed || out.Status == Refused):
		w.t.Errorf("%s with %d failed targets", out.Status, count[rollout.PromotionFailed])
	case !failed && pending != (out.Status == Pending):
		w.t.Errorf("%s with %d pending targets", out.Status, count[rollout.PromotionPending])
	case !out.Next.IsZero() && !pending:
		w.t.Errorf("%s, next at %v", out.Status, out.Next)
	}
}

// checkTarget holds what is told of a target against its record.
func checkTarget(w *world, o Target) {
	w.t.Helper()
	r := w.state.Records[o.Target]
	e, has := r.Rollout(o.Rollout)
	switch {
	case (o.Status == rollout.PromotionPending) != (o.WaitingFor != nil):
		w.t.Errorf("%s is %s and waits for %+v", o.Target, o.Status, o.WaitingFor)
	case (o.Status == rollout.PromotionFailed) != (o.ErrorMessage != ""):
		w.t.Errorf("%s is %s: %q", o.Target, o.Status, o.ErrorMessage)
	case has && o.State != e.Rollout.State:
		w.t.Errorf("%s is told to be %s, and is %s", o.Rollout, o.State, e.Rollout.State)
	case has && o.Status != rollout.PromotionPending && !e.Over():
		w.t.Errorf("%s is %s while %s is %s", o.Target, o.Status, o.Rollout, o.State)
	case has && o.Status == rollout.PromotionSucceeded && o.State != rollout.StateSucceeded:
		w.t.Errorf("%s succeeded while %s is %s", o.Target, o.Rollout, o.State)
	case o.Phase != "" && e.Over():
		w.t.Errorf("%s is at %s of a rollout that is over", o.Target, o.Phase)
	}
	if o.WaitingFor != nil {
		checkWaiting(w, o, *o.WaitingFor)
	}
}

// checkWaiting holds what a target waits for against what its state takes.
func checkWaiting(w *world, o Target, wait Waiting) {
	w.t.Helper()
	w.seen[string(wait.Kind)+" "+string(wait.Cause)]++
	words := wait.Waits()
	switch {
	case wait.byItself && wait.Until.Before(w.now.Truncate(time.Second)):
		w.t.Errorf("%s %s: that is over", o.Target, words)
	case wait.Kind == rollout.WaitBake && !wait.Until.After(w.now):
		w.t.Errorf("%s bakes until now: %s", o.Target, words)
	case wait.Kind == rollout.WaitOperator && wait.By == "":
		w.t.Errorf("%s wants a decision and does not say about what: %s", o.Target, words)
	case wait.Or != "" && wait.Command == "":
		w.t.Errorf("%s has another way and none: %s", o.Target, words)
	}
	for _, line := range wait.Continues() {
		if !strings.Contains(words, "`"+line+"`") {
			w.t.Errorf("%q is not in %q", line, words)
		}
		w.seen["`"+strings.Fields(line)[1]+"`"]++
		if err := w.takes(line); err != nil {
			w.t.Errorf("%s %s\nbut `%s` is refused: %v", o.Target, words, line, err)
		}
	}
}

// takes gives a command line that was printed, as a person would, and says why it
// is refused.
func (w *world) takes(line string) error {
	if _, tried := w.took[line]; !tried {
		w.took[line] = w.give(line)
	}
	return w.took[line]
}

func (w *world) give(line string) error {
	words := strings.Fields(line)
	flags, block := map[string]string{}, ""
	for i := 2; i < len(words); i++ {
		if name, ok := strings.CutPrefix(words[i], "--"); ok {
			i++
			flags[name] = words[i]
			continue
		}
		block = words[i]
	}
	switch words[1] {
	case "reconcile":
		return nil
	case "unlock", "unblock":
		return w.takesEnd(words[1], block, flags)
	case "skip":
		if flags["reason"] == "" {
			return fmt.Errorf("no reason")
		}
		g := w.view().tell(w.state).group(flags["promotion"])
		return g.Skip(rollout.Skip{Target: flags["target"], By: "dana", Reason: flags["reason"], At: w.now})
	case "rollback":
		copied := w.state.Records[flags["target"]].Clone()
		return rollout.Apply(&copied, rollout.GoBack{Promotion: "p-back", By: human("dana")}, w.now)
	default:
		return w.takesOrder(words[1], flags)
	}
}

// takesEnd ends blocks, which somebody else's needs a reason for.
func (w *world) takesEnd(command, block string, flags map[string]string) error {
	r := w.state.Records[flags["target"]]
	i := slices.IndexFunc(r.Blocks, func(b rollout.Block) bool {
		return b.ID == block || command == "unlock" && b.Kind == rollout.BlockLock
	})
	if i < 0 {
		return fmt.Errorf("no such block")
	}
	copied := r.Clone()
	by := human("dana")
	by.Reason = flags["reason"]
	return rollout.Apply(&copied, rollout.EndBlock{ID: r.Blocks[i].ID, By: by}, w.now)
}

// checkRefused asserts that each command line which a refusal prints ends a block, and
// that once all of them are given nothing blocks what was refused any more.
func (w *world) checkRefused(e *rollout.RefusedError, again rollout.Transition) {
	w.t.Helper()
	r := w.state.Records[e.Target].Clone()
	said := strings.Join(Reasons(e), "\n")
	var lines []string
	for _, found := range printed.FindAllStringSubmatch(said, -1) {
		if !slices.Contains(lines, found[1]) {
			lines = append(lines, found[1])
		}
	}
	for _, line := range lines {
		before := len(r.Blocks)
		w.must(endAll(&r, strings.Fields(line), w.now))
		if len(r.Blocks) == before {
			w.t.Errorf("%s\nbut `%s` ends nothing", said, line)
		}
	}
	var still *rollout.RefusedError
	if err := rollout.Apply(&r, again, w.now); errors.As(err, &still) && still.Reason == rollout.ReasonBlocked {
		w.t.Errorf("%s\nand after all of it still %v", said, err)
	}
	w.seen[fmt.Sprint("refused by ", min(2, len(e.Blocks)))]++
}

// printed are the command lines in what is said.
var printed = regexp.MustCompile("`sluice ((?:unlock|unblock)[^`]*)`")

// endAll ends the blocks of a record that a command line is about, as the engine does.
func endAll(r *rollout.Record, words []string, now time.Time) error {
	about := func(b rollout.Block) bool {
		switch {
		case words[0] == "unlock":
			return b.Kind == rollout.BlockLock
		case !strings.HasPrefix(words[1], "--"):
			return b.ID == words[1]
		default:
			return b.Kind == rollout.BlockWentBack || b.Kind == rollout.BlockRestored
		}
	}
	for _, b := range slices.Clone(r.Blocks) {
		if !about(b) {
			continue
		}
		if err := rollout.Apply(r, rollout.EndBlock{ID: b.ID, By: rollout.Actor{Login: "dana", Person: true, Reason: "…"}}, now); err != nil {
			return err
		}
	}
	return nil
}

// takesOrder has the planner plan a command to a rollout, given by one of those
// who may approve.
func (w *world) takesOrder(command string, flags map[string]string) error {
	err := w.takesFrom("dana", command, flags)
	if err != nil {
		err = w.takesFrom("erin", command, flags)
	}
	return err
}

func (w *world) takesFrom(login, command string, flags map[string]string) error {
	target, err := w.pipeline.Target(flags["target"])
	if err != nil {
		return err
	}
	by := human(login)
	clock := work.System()
	clock.Now = func() time.Time { return w.now }
	whole := work.Begin(w.t.Context(), clock, work.Limits{})
	defer whole.End()
	p := planner.New(planner.Config{Pipeline: w.pipeline, Setting: w.setting, Invocation: planner.Invocation{Actor: by}, Work: whole})
	plan := p.Order(w.state, planner.Order{
		Command: command, Targets: []*pipeline.Target{target}, Promotion: flags["promotion"], Phase: flags["phase"], Job: flags["job"],
		Voter: rollout.Voter{Actor: by, Verified: true},
	})
	if err := plan.Err(); err != nil || len(plan.Moves) == 1 {
		return err
	}
	return fmt.Errorf("it is given to %d targets", len(plan.Moves))
}

// life is a random life of the stage.
type life struct {
	*world
	rng *rand.Rand
	log []string
}

func (l *life) pick(list ...string) string { return list[l.rng.IntN(len(list))] }

func (l *life) maybe(text string) []string {
	if l.rng.IntN(2) == 0 {
		return nil
	}
	return []string{text}
}

// event makes one thing happen.
func (l *life) event() {
	target := targets()[l.rng.IntN(3)]
	switch n := l.rng.IntN(20); {
	case n < 3:
		words := []string{"promote", "r" + l.pick("2", "3", "4")}
		for _, option := range []string{
			"targets=" + target, "canary=10,50", "wait=30m", "approvers=ErIn,dana", "checks=verify", "hold", "remote", "automation",
			"onFailure=" + l.pick("halt", "rollback"), "waves=1,3", "pause=10m",
		} {
			words = append(words, l.maybe(option)...)
		}
		if slices.Contains(words, "waves=1,3") && slices.Contains(words, "targets="+target) {
			words = slices.DeleteFunc(words, func(word string) bool { return word == "waves=1,3" })
		}
		l.do(words...)
	case n < 6:
		l.do("answers", target,
			"weight="+l.pick("done", "lost", "fail", "refuse", "busy", "throttle", "ask", "run", "left"),
			"stable="+l.pick("done", "lost", "fail", "ask", "run"), "rollback="+l.pick("done", "done", "lost", "fail", "ask"),
			"deploy="+l.pick("done", "lost", "fail", "advance", "approval", "HALTED", "HALTED+twice", "HALTED+unseen", "run", "ABORTED", "throttle"),
			"poll="+l.pick("done", "stay", "fail", "advance", "approval", "HALTED", "run", "ABORTED"),
			"lookup="+l.pick("done", "absent", "undecided", "foreign"), "verify="+l.pick("done", "fail", "left"))
	case n < 9:
		l.do("after", l.pick("1m", "30m", "2h", "25h"))
	case n < 10:
		l.do(l.pick("freeze 2h carol", "freeze 48h", "thaw", "automation", "person"))
	case n < 12:
		l.do(l.pick("lock", "unlock", "elsewhere", "here", "skip"), target)
	case n < 13:
		l.do(l.pick("abandon "+target+" r2", "order "+target+" rollback", "order "+target+" advance", "order "+target+" terminate", "lock "+target+" bothWays"))
		if e, ok := l.state.Records[target].Active(); ok && l.rng.IntN(3) == 0 {
			l.do("lock", target)
			l.do("abandon", target, e.Spec.Release.ID)
			l.do(l.pick("approve "+target+" erin", "advance "+target, "retry-job "+target))
		}
	default:
		command := l.pick("approve", "reject", "advance", "retry-job", "ignore-job", "rollback", "cancel", "terminate")
		words := []string{command, target}
		if command == "approve" || command == "reject" {
			words = append(words, "erin")
		}
		l.do(words...)
	}
}

// do does a line of a story; what is refused is in order.
func (l *life) do(words ...string) {
	line := strings.Join(words, " ")
	l.log = append(l.log, line)
	words = strings.Fields(line)
	err := l.command(words[0], words[1:]) // a refusal changes nothing
	if refused, ok := errors.AsType[*rollout.RefusedError](err); ok && refused.Reason == rollout.ReasonBlocked {
		l.checkRefused(refused, l.transition(words[0], words[1:]))
	}
}

// live asserts one story over a random life: after each event, before anything
// was settled, and after what was due was done.
func live(t *testing.T, seed uint64) map[string]int {
	l := &life{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 11))}
	for range 40 {
		l.event()
		checkStory(l.world)
		if l.rng.IntN(3) > 0 {
			l.run()
			checkStory(l.world)
		}
		if l.rng.IntN(4) == 0 {
			checkTroubles(l.world)
		}
		if t.Failed() {
			t.Fatalf("seed %d, after\n> %s", seed, strings.Join(l.log, "\n> "))
		}
	}
	return l.seen
}

// TestOneStory also asserts that its lives came to the kinds of waiting, and to
// every command that is printed. The stories have those that lives seldom come to.
func TestOneStory(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(30) {
		for what, n := range live(t, seed) {
			seen[what] += n
		}
	}
	t.Log(seen)
	for _, what := range []string{
		"approval ", "bake ", "policy ", "lock ", "queue ", "operation ", "person ", "wave ", "platform ", "platform busy",
		"order ", "due ", "run ", "operator ", "operator asking", "operator halted",
		"refused by 1", "refused by 2",
		"`reconcile`", "`approve`", "`advance`", "`retry-job`", "`ignore-job`", "`cancel`", "`rollback`", "`skip`", "`unlock`", "`unblock`",
	} {
		if seen[what] == 0 {
			t.Errorf("no life came to %s", what)
		}
	}
}

// FuzzOneStory looks for a life in which what is told contradicts itself.
func FuzzOneStory(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { live(t, seed) })
}
