package view

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/executor"
	"sluice/internal/guard"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestNotices holds what the console shows while an invocation works.
func TestNotices(t *testing.T) {
	until := t0.Add(2 * time.Second)
	event := func(kind, phase, message string, info map[string]string) *rollout.Event {
		return &rollout.Event{Type: kind, Rollout: "zjczef-to-api-0001", Phase: phase, Job: "verify", Message: message, Info: info, Actor: "bob"}
	}
	release := map[string]string{"percent": "10", "release": "zjczef"}
	for want, n := range map[string]executor.Notice{
		"progress rollout zjczef-to-api-0001 created: promote of zjczef":                          {Kind: executor.NoticeEvent, Event: event("rollout.created", "", "promote of zjczef", nil)},
		"progress canary-10: 10 % of the traffic to zjczef":                                       {Kind: executor.NoticeEvent, Event: event("effect.succeeded", "canary-10", "weight", release)},
		"progress canary-10 succeeded":                                                            {Kind: executor.NoticeEvent, Event: event("phase.succeeded", "canary-10", "", nil)},
		"progress bakes until 12:00:02":                                                           {Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitBake, Until: until}},
		"progress is held back by policy freeze until 12:00:02":                                   {Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitPolicy, Until: until, Block: &rollout.Block{ID: "freeze", By: "carol"}}},
		"progress waits for the pause after wave 1 until 12:00:02":                                {Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitWave, Until: until}},
		"progress waits for the platform until 12:00:02: 429":                                     {Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitPlatform, Until: until, Message: "429"}},
		"progress is locked by carol until 12:00:02":                                              {Kind: executor.NoticeWaiting, Waiting: &rollout.Waiting{Kind: rollout.WaitLock, Until: until, By: "carol"}},
		"progress stable: all traffic to zjczef":                                                  {Kind: executor.NoticeEvent, Event: event("effect.succeeded", "stable", "stable", release)},
		"progress stable: the canary is removed":                                                  {Kind: executor.NoticeEvent, Event: event("effect.succeeded", "stable", "disable", release)},
		"progress rollout zjczef-to-api-0001 succeeded":                                           {Kind: executor.NoticeEvent, Event: event("rollout.succeeded", "", "", nil)},
		"progress canary-10: verify failed: exit status 1":                                        {Kind: executor.NoticeEvent, Event: event("job.failed", "canary-10", "verify failed in canary-10: exit status 1", nil)},
		"progress block lock-1 placed by bob: incident 12":                                        {Kind: executor.NoticeEvent, Event: event("block.placed", "", "incident 12", map[string]string{"block": "lock-1"})},
		"progress rollback could not be done: it is locked":                                       {Kind: executor.NoticeEvent, Event: event("order.refused", "", "it is locked", map[string]string{"command": "rollback"})},
		"progress cannot go on now: 429":                                                          {Kind: executor.NoticeEvent, Event: event("rollout.stopped", "", "429", nil)},
		"progress 429; again at 12:00:02":                                                         {Kind: executor.NoticeRetry, Err: errors.New("429"), At: until},
		"progress no clear answer (EOF); looking it up":                                           {Kind: executor.NoticeNoAnswer, Err: errors.New("EOF")},
		"progress it had taken effect":                                                            {Kind: executor.NoticeFound},
		"progress it had not taken effect":                                                        {Kind: executor.NoticeAbsent},
		"progress op-1: RUNNING 40%":                                                              {Kind: executor.NoticeProgress, Operation: &driver.Operation{ID: "op-1", Status: driver.Running, Progress: 40}},
		"progress the platform did not answer (503)":                                              {Kind: executor.NoticeNoPoll, Err: errors.New("503")},
		"progress the platform's rollout is HALTED":                                               {Kind: executor.NoticeState, Text: "HALTED"},
		`progress stable verify: run ["test" "-e" "ok"]`:                                          {Kind: executor.NoticeCheck, Phase: "stable", Job: "verify", Gate: &rollout.Gate{Run: []string{"test", "-e", "ok"}}},
		"progress stable verify: http https://example.com":                                        {Kind: executor.NoticeCheck, Phase: "stable", Job: "verify", Gate: &rollout.Gate{HTTP: &rollout.HTTPGate{URL: "https://example.com"}}},
		"warning verify (dry run): exit status 1":                                                 {Kind: executor.NoticeDryRun, Job: "verify", Err: errors.New("exit status 1")},
		"warning it is old":                                                                       {Kind: executor.NoticeWarning, Text: "it is old"},
		"log 2 lines":                                                                             {Kind: executor.NoticeLog, Title: "output", Text: "2 lines"},
		"warning its promotion wants it to go back, which is left to the run that holds it: held": {Kind: executor.NoticeLeft, Err: errors.New("held")},
		"progress dave ordered rollback: errors":                                                  {Kind: executor.NoticeOrder, Order: &rollout.Order{By: "dave", Command: "rollback", Reason: "errors"}},
	} {
		line, shown := Notice(n)
		if got := string(line.How) + " " + line.Text; got != want || !shown {
			t.Errorf("got %q, shown %v, want %q", got, shown, want)
		}
	}
	if line, shown := Notice(executor.Notice{Kind: executor.NoticeEvent, Event: event("effect.intended", "stable", "deploy", nil)}); shown {
		t.Errorf("bookkeeping is shown: %q", line.Text)
	}
}

// TestExplain holds refusals in words against what their reader needs: which
// block, until when, who may pass it, how.
func TestExplain(t *testing.T) {
	block := func(list ...rollout.Block) *rollout.RefusedError {
		return &rollout.RefusedError{Command: "promote", Target: "api", Release: "r2", Reason: rollout.ReasonBlocked, Blocks: list}
	}
	for want, e := range map[string]*rollout.RefusedError{
		"cannot promote api: it is locked by carol since 2026-03-01T12:00:00Z: incident 12; `sluice unlock --target api --reason '…'` ends it, --override lock-1 --reason '…' passes it once": block(
			rollout.Block{ID: "lock-1", Kind: rollout.BlockLock, By: "carol", At: t0, Reason: "incident 12"}),
		"cannot promote api: release r2 was abandoned by carol: it leaks; `sluice unblock abandon-r2 --target api --reason '…'` ends it, --override abandon-r2 --reason '…' passes it once": block(
			rollout.Block{ID: "abandon-r2", Kind: rollout.BlockAbandon, Release: "r2", By: "carol", At: t0, Reason: "it leaks"}),
		"cannot promote api: policy freeze does not allow it until 2026-03-01T13:00:00Z; erin, dana may pass it with --override freeze --reason '…'": block(
			rollout.Block{ID: "freeze", Kind: rollout.BlockPolicy, Until: t0.Add(time.Hour), Override: []string{"erin", "dana"}}),
		"cannot promote api: policy freeze does not allow it; nobody may override it": block(rollout.Block{ID: "freeze", Kind: rollout.BlockPolicy}),
		"cannot approve r2-to-api-0001: no person started this run, which runs as erin; approvals count only from people": {
			Command: "approve", Target: "api", Rollout: "r2-to-api-0001", State: rollout.StatePendingApproval, Reason: rollout.ReasonAutomation, Actor: "erin"},
		"cannot approve r2-to-api-0001: deploy[bot] is not a person; approvals count only from people": {
			Command: "approve", Target: "api", Rollout: "r2-to-api-0001", State: rollout.StatePendingApproval, Reason: rollout.ReasonAutomation, Actor: "deploy[bot]"},
		"cannot advance r2-to-api-0001: it is PENDING_APPROVAL; that needs a rollout that is IN_PROGRESS": {
			Command: "advance", Target: "api", Rollout: "r2-to-api-0001", State: rollout.StatePendingApproval, Reason: rollout.ReasonState, Needs: []rollout.State{rollout.StateInProgress}},
		"cannot retry-job r2-to-api-0001: it is HALTED; several jobs qualify: stable/eu, stable/us; name one by phase and job; say --phase and --job": {
			Command: "retry-job", Target: "api", Rollout: "r2-to-api-0001", State: rollout.StateHalted, Reason: rollout.ReasonJobs, Names: []string{"stable/eu", "stable/us"}},
	} {
		if got := Explain(e); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	both := &planner.RefusedError{Refusals: []planner.Refusal{
		{Target: "api", Reason: block(rollout.Block{ID: "freeze", Kind: rollout.BlockPolicy})},
		{Target: "web", Findings: []driver.Finding{{Severity: driver.Refuse, Message: "no canary stands", Remedy: "promote one"}}},
	}}
	want := "refused, and nothing was done:\n  api: cannot promote api: policy freeze does not allow it; nobody may override it\n  web: no canary stands; promote one"
	if got := Explain(both); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Explain(errors.New("no route to host")); got != "no route to host" {
		t.Errorf("got %q", got)
	}
}

// TestEveryBlockIsTold, a line each with its own way on, and what passes all of them.
func TestEveryBlockIsTold(t *testing.T) {
	lock := rollout.Block{ID: "lock-1", Kind: rollout.BlockLock, By: "carol", At: t0, BothWays: true}
	freeze := rollout.Block{ID: "freeze", Kind: rollout.BlockPolicy, Until: t0.Add(time.Hour), Override: []string{"erin"}, Reason: "bob may not override it"}
	shut := rollout.Block{ID: "shut", Kind: rollout.BlockPolicy}
	leaks := rollout.Block{ID: "abandon-1", Kind: rollout.BlockAbandon, Release: "r2", By: "carol", Scope: rollout.ScopePipeline}
	back := rollout.Block{ID: "went-back-1", Kind: rollout.BlockWentBack, By: "anna", From: "r2", Release: "r2"}
	automation := rollout.Block{ID: "went-back-1-automation", Kind: rollout.BlockWentBack, By: "anna", From: "r2", Whom: rollout.Automation}
	const locked = "cannot promote api: it is locked by carol since 2026-03-01T12:00:00Z, both ways; `sluice unlock --target api --reason '…'` ends it, --override lock-1 --reason '…' passes it once"
	for _, c := range []struct {
		source string
		blocks []rollout.Block
		want   []string
	}{
		{"", []rollout.Block{lock, freeze}, []string{
			locked,
			"cannot promote api: policy freeze does not allow it until 2026-03-01T13:00:00Z: bob may not override it; erin may pass it with --override freeze --reason '…'",
			"--override lock-1,freeze --reason '…' passes all of it once",
		}},
		{"", []rollout.Block{lock, shut}, []string{locked, "cannot promote api: policy shut does not allow it; nobody may override it"}},
		{"", []rollout.Block{back, automation}, []string{
			"cannot promote api: anna went back from release r2, and automation waits for a person; `sluice unblock --target api --reason '…'` ends it, --override went-back-1,went-back-1-automation --reason '…' passes it once",
		}},
		{"", []rollout.Block{leaks}, []string{
			"cannot promote api: release r2 was abandoned by carol; `sluice unblock abandon-1 --reason '…'` ends it, --override abandon-1 --reason '…' passes it once",
		}},
		{"api-staging", []rollout.Block{{ID: "abandon-1", Kind: rollout.BlockAbandon, Release: "r2", By: "carol", Scope: rollout.ScopeTarget}}, []string{
			"cannot promote api: release r2 was abandoned on api-staging by carol; `sluice unblock abandon-1 --target api-staging --reason '…'` ends it, --override abandon-1 --reason '…' passes it once",
		}},
	} {
		e := &rollout.RefusedError{Command: "promote", Target: "api", Release: "r2", Reason: rollout.ReasonBlocked, Blocks: c.blocks, Source: c.source}
		if got := Reasons(e); !slices.Equal(got, c.want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestExit: the worst counts, whatever the order, and however deep it is joined.
func TestExit(t *testing.T) {
	held := &ledger.HeldError{Targets: []string{"api"}}
	unreadable := &ledger.UnreadableError{Op: "read", Err: errors.New("no answer")}
	for _, c := range []struct {
		err  error
		want Exit
	}{
		{nil, ExitDone},
		{errors.New("403"), ExitRefused},
		{&planner.RefusedError{}, ExitRefused},
		{held, ExitConflict},
		{errors.Join(held, errors.Join(errors.New("403"), unreadable)), ExitState},
		{errors.Join(errors.New("403"), held), ExitConflict},
		{&guard.Mistake{}, ExitFailed},
		{&ledger.UnreadableError{Op: "read", Err: context.Canceled}, ExitRefused},
	} {
		if got := ExitOf(c.err); got != c.want {
			t.Errorf("%v is exit %d, want %d", c.err, got, c.want)
		}
	}
	if got := Worst(ExitPending, ExitUsage, ExitRefused, ExitFailed); got != ExitFailed {
		t.Errorf("the worst is %d", got)
	}
	pending := Outcome{Status: Pending}
	if pending.Exit(true) != ExitPending || pending.Exit(false) != ExitDone {
		t.Errorf("pending is exit %d, and %d where that fails", pending.Exit(false), pending.Exit(true))
	}
}

// TestPlan holds what `plan` prints against testdata/plan.golden.
func TestPlan(t *testing.T) {
	v := newWorld(t).view()
	prepared := &driver.Prepared{
		Requests: []string{"PATCH /places/a"},
		Commands: []string{"places patch a"},
		Before:   map[string]json.RawMessage{"a": json.RawMessage(`{"release":"r1","canary":{"percent":0}}`)},
		After:    map[string]json.RawMessage{"a": json.RawMessage(`{"release":"r1","canary":{"percent":10}}`)},
	}
	r2 := driver.Release{ID: "r2"}
	plan := planner.Plan{
		Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: "p-1", Members: targets(), Waves: &rollout.Waves{Sizes: []int{1, 3}}},
		Moves: []planner.Move{
			{Target: "a", First: prepared, Shows: planner.Shows{Source: "web-staging", Release: r2, Runs: driver.Release{ID: "r1"}, Approval: true, Phases: []string{"canary-10", "stable"}}},
			{Target: "b", Unchanged: true, Shows: planner.Shows{Source: "web-staging", Release: r2, Runs: r2}},
			{Target: "c", Pending: &rollout.Waiting{Kind: rollout.WaitPlatform, Target: "c", Message: "503", Until: t0.Add(time.Minute)}, Shows: planner.Shows{Source: "web-staging", Release: r2}},
		},
		Findings: []driver.Finding{{Target: "a", Severity: driver.Warn, Message: "it is old", Remedy: "renew it"}},
	}
	text := v.Plan(plan).Text([]string{"actions: read"})
	refused := plan
	refused.Refusals = []planner.Refusal{{Target: "b", Reason: &rollout.RefusedError{
		Command: "promote", Target: "b", Reason: rollout.ReasonBlocked, Blocks: []rollout.Block{{ID: "freeze", Kind: rollout.BlockPolicy}},
	}}}
	text += "\n" + v.Plan(refused).Text(nil)
	golden(t, "testdata/plan.golden", text)
	if !v.Plan(refused).Refused() || v.Plan(plan).Refused() || v.Plan(plan).Release() != "r2" {
		t.Errorf("refused %v and %v, release %q", v.Plan(refused).Refused(), v.Plan(plan).Refused(), v.Plan(plan).Release())
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// TestUnplanned: a target whose platform cannot be reached has nothing in the
// state that a reconcile could take up, so that the command itself goes on.
func TestUnplanned(t *testing.T) {
	w := newWorld(t)
	plan := planner.Plan{Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: "p-1"}, Moves: []planner.Move{
		{Target: "a", Pending: &rollout.Waiting{Kind: rollout.WaitPlatform, Target: "a", Message: "503", Until: t0.Add(90*time.Second + time.Millisecond)}},
	}}
	out := w.view().Result(w.state, plan, executor.Result{Rows: []executor.RowResult{{Target: "a"}}})
	o := out.Targets[0]
	if out.Status != Pending || out.Exit(false) != ExitDone || !out.Next.Equal(t0.Add(91*time.Second)) {
		t.Errorf("%s, exit %d, next %v", out.Status, out.Exit(false), out.Next)
	}
	if o.WaitingFor == nil || o.WaitingFor.Kind != rollout.WaitPlatform || o.WaitingFor.Command != "sluice promote --to production --target a" {
		t.Errorf("waits for %+v", o.WaitingFor)
	}
}

// TestNotMade: a promotion that another run's lease kept from being made is a
// conflict, and its targets have failed: nothing of it goes on by itself.
func TestNotMade(t *testing.T) {
	w := newWorld(t)
	w.promote("r2", []string{"a"}, func(s *rollout.Spec) { s.Approval = &rollout.ApprovalSpec{Quorum: 1} }, func(*rollout.Promotion) {})
	held := &ledger.HeldError{Targets: []string{"a"}, Run: rollout.Run{ID: "other"}}
	plan := planner.Plan{Command: rollout.CommandPromote, Promotion: rollout.Promotion{ID: "p-new"}, Moves: []planner.Move{
		{Target: "a", Do: []rollout.Transition{rollout.Create{Spec: w.spec("a", "p-new", "r3")}}},
	}}
	for name, row := range map[string]executor.RowResult{
		"whose row tells why": {Target: "a", Record: w.state.Records["a"], Err: held},
		"without a row":       {Target: "a", Record: w.state.Records["a"]},
	} {
		out := w.view().Result(w.state, plan, executor.Result{Rows: []executor.RowResult{row}, Err: held})
		o := out.Targets[0]
		if out.Status != Conflict || out.Exit(false) != ExitConflict || !out.Next.IsZero() {
			t.Errorf("%s: %s, exit %d, next %v", name, out.Status, out.Exit(false), out.Next)
		}
		if o.Status != rollout.PromotionFailed || o.Rollout != "" || !strings.Contains(o.ErrorMessage, "is held by run other") {
			t.Errorf("%s: %s", name, tellTarget(o))
		}
	}
}

// TestOrdered: cancel, reject and a withdrawal do what was wanted, although the
// promotion did not succeed.
func TestOrdered(t *testing.T) {
	for command, do := range map[string]rollout.Transition{
		"cancel":   rollout.Cancel{Rollout: "r2-to-a-0001", By: human("bob")},
		"reject":   rollout.Vote{Rollout: "r2-to-a-0001", Voter: rollout.Voter{Actor: human("bob")}},
		"rollback": rollout.GoBack{Promotion: "p-back", By: human("bob")},
	} {
		w := newWorld(t)
		w.promote("r2", []string{"a"}, func(s *rollout.Spec) { s.Approval = &rollout.ApprovalSpec{Quorum: 1} }, func(*rollout.Promotion) {})
		w.must(w.apply("a", do))
		plan := planner.Plan{Command: command, Moves: []planner.Move{{Target: "a", Do: []rollout.Transition{do}}}}
		if command == "rollback" {
			plan.Promotion.ID = "p-back"
		}
		out := w.view().Result(w.state, plan, executor.Result{Rows: []executor.RowResult{{Target: "a", Record: w.state.Records["a"]}}})
		if out.Status != Succeeded || out.Exit(false) != ExitDone || out.Targets[0].Rollout != "r2-to-a-0001" {
			t.Errorf("%s: %s, exit %d: %s", command, out.Status, out.Exit(false), tellTarget(out.Targets[0]))
		}
	}
}

// TestLeftOut: over a stage one refusal refuses nobody else, and says why.
func TestLeftOut(t *testing.T) {
	w := newWorld(t)
	w.promote("r2", []string{"a"}, func(*rollout.Spec) {}, func(*rollout.Promotion) {})
	w.run()
	plan := planner.Plan{Command: rollout.CommandRollback, Promotion: rollout.Promotion{ID: "p-1"}, Moves: []planner.Move{
		{Target: "a"},
		{Target: "b", Refused: []planner.Refusal{{Target: "b", Findings: []driver.Finding{{Message: "nothing ran before it"}}}}},
		{Target: "c", Unchanged: true},
	}}
	rows := []executor.RowResult{{Target: "a", Record: w.state.Records["a"]}, {Target: "b", Record: w.state.Records["b"]}, {Target: "c", Unchanged: true, Record: w.state.Records["c"]}}
	out := w.view().Result(w.state, plan, executor.Result{Rows: rows})
	a, b, c := out.Targets[0], out.Targets[1], out.Targets[2]
	if a.Status != rollout.PromotionSucceeded || b.Status != rollout.PromotionFailed || b.ErrorMessage != "nothing ran before it" || !c.Unchanged {
		t.Errorf("a %s\nb %s\nc %s", tellTarget(a), tellTarget(b), tellTarget(c))
	}
	if out.Status != Failed {
		t.Errorf("%s, although a was taken back", out.Status)
	}
}

// TestStatus: what stands, what is queued, who is at work, what blocks.
func TestStatus(t *testing.T) {
	w := newWorld(t)
	w.promote("r2", []string{"a"}, func(s *rollout.Spec) { s.Phases = rollout.PhasesOf(shares("10"), false) }, func(*rollout.Promotion) {})
	w.run()
	w.promote("r3", []string{"a"}, func(*rollout.Spec) {}, func(*rollout.Promotion) {})
	w.must(w.apply("a", lock(t0, false)))
	_ = w.command("elsewhere", []string{"b"}) // it cannot be refused
	gone := rollout.New("shop", driver.Target{Name: "gone", Stage: "production", Platform: "here"})
	w.state.Records["gone"] = &gone
	live := map[string]planner.Reading{
		"a": {Live: driver.Live{Release: driver.Release{ID: "r1"}, Shares: []driver.Share{{Release: driver.Release{ID: "r1"}, Percent: "90"}, {Release: driver.Release{ID: "r2"}, Percent: "10"}}}},
		"b": {Live: driver.Live{Release: driver.Release{ID: "hotfix"}, Pending: &driver.Release{ID: "r9"}}},
		"c": {Err: errors.New("403")},
	}
	over := w.view().Status(w.state, []string{"a", "b", "c", "gone"}, live, func(run rollout.Run) bool { return run.Actor == "(over)" })
	var text strings.Builder
	for _, s := range over.Targets {
		text.WriteString(s.Target.Target + " runs " + s.Runs + "\n")
		for _, n := range s.Notes() {
			text.WriteString("  " + n + "\n")
		}
		if s.Problem != "" {
			text.WriteString("  " + s.Unasked() + "\n")
		}
	}
	golden(t, "testdata/status.golden", text.String())
	if a := over.Targets[0]; len(a.Shares) != 2 || !a.Shares[1].Ours || a.Drift {
		t.Errorf("a is %+v", a.Shares)
	}
	if b := over.Targets[1]; !b.Drift || b.Says != "r1" || b.Lease == nil {
		t.Errorf("b: drift %v from %q, lease %v", b.Drift, b.Says, b.Lease)
	}
	if over.Outcome.Status != Pending || over.Outcome.Exit(false) != ExitDone {
		t.Errorf("%s, exit %d", over.Outcome.Status, over.Outcome.Exit(false))
	}
}

// TestWorkflow: a command line is told as a run of a workflow too, where somebody
// knows how.
func TestWorkflow(t *testing.T) {
	w := newWorld(t)
	w.promote("r2", []string{"a"}, func(s *rollout.Spec) { s.Phases = rollout.PhasesOf(shares("10"), false) }, func(*rollout.Promotion) {})
	w.run()
	v := w.view()
	v.Workflow = func(c Command) string {
		return "gh workflow run sluice.yml -f command=" + c.Name + " -f target=" + c.Target
	}
	o := v.Look(w.state, "", "a").Targets[0]
	if o.WaitingFor.Command != "sluice advance --target a" || o.WaitingFor.Workflow != "gh workflow run sluice.yml -f command=advance -f target=a" {
		t.Errorf("%+v", o.WaitingFor)
	}
}

// TestUnsettled: what an interrupted invocation left is told as time has made it,
// not as the last answer left it.
func TestUnsettled(t *testing.T) {
	w := newWorld(t)
	wait := rollout.Duration(30 * time.Minute)
	w.promote("r2", []string{"a"}, func(s *rollout.Spec) { s.Phases, s.Wait = rollout.PhasesOf(shares("10"), false), &wait }, func(*rollout.Promotion) {})
	w.step("a") // answered, and nothing followed from it yet
	o := w.view().Look(w.state, "", "a").Targets[0]
	if o.WaitingFor == nil || o.WaitingFor.Kind != rollout.WaitBake || !o.WaitingFor.Until.Equal(t0.Add(30*time.Minute)) {
		t.Errorf("%s", tellTarget(o))
	}
}
