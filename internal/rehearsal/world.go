package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/check"
	"sluice/internal/engine"
	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/platform"
	"sluice/internal/sandbox"
	"sluice/internal/sandbox/identity"
	"sluice/internal/sandbox/measured"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// The limits of an invocation, as the program has them. A pass is shorter than a lease
// is renewed in; a job that works on is several passes in a row.
const (
	budget   = 15 * time.Minute
	inline   = 2 * time.Minute
	passMost = 4 * time.Minute
	minute   = time.Minute
)

// world is a pipeline's sandbox in virtual time, and what happened in it.
type world struct {
	Options
	time      *work.Virtual
	server    *sandbox.Server
	ledger    func(context.Context, ledger.Config) *ledger.Ledger
	platforms *platform.Platforms
	checks    *checks
	targets   []*pipeline.Target // that are promoted to, and where they come from

	runs    int
	lines   []Line
	events  int // what happened, or was looked at
	minutes map[Trigger]int
	ticks   int      // of the cron that found something to do
	given   []string // who approved
	asked   []Asked
	ended   time.Duration // when the last invocation that did anything was over
	last    view.Outcome
	open    bool
}

// open starts the emulators. The caller closes them.
func open(ctx context.Context, o Options) (*world, error) {
	w := &world{Options: o, time: work.NewVirtual(o.Start), ledger: o.State(), minutes: map[Trigger]int{}}
	w.targets = w.wanted()
	own := slices.DeleteFunc(slices.Clone(o.Faults), func(f sandbox.Fault) bool { return !CheckStep(f) })
	others := slices.DeleteFunc(slices.Clone(o.Faults), CheckStep)
	ofChecks := slices.DeleteFunc(slices.Clone(others), func(f sandbox.Fault) bool { return !f.OfChecks() })
	pipelines := []*pipeline.Pipeline{o.Pipeline}
	sources, err := measured.New(measured.Options{Pipelines: pipelines, Script: o.Script, Faults: ofChecks, Now: w.time.Now, Getenv: o.Getenv, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	options := sandbox.Options{
		Pipelines: pipelines, Emulators: o.Emulators(w.time.Now),
		Faults: slices.DeleteFunc(others, sandbox.Fault.OfChecks),
	}
	if sources != nil {
		options.Beside = sources
	}
	if who := identity.New(pipelines, work.System().Now, nil); who != nil {
		options.Identity = who
	}
	if w.server, err = sandbox.Start(context.WithoutCancel(ctx), options); err != nil {
		return nil, err
	}
	w.checks = newChecks(w, sources, own)
	w.platforms = o.Reach(driver.Env{Getenv: w.getenv, Now: w.time.Now}, w.plain)
	return w, nil
}

// wanted are the targets of the stages up to the last that is promoted to.
func (w *world) wanted() []*pipeline.Target {
	var list []*pipeline.Target
	for t := range w.Pipeline.All() {
		if w.To == nil || t.Stage == w.To || w.Pipeline.Before(t.Stage, w.To) {
			list = append(list, t)
		}
	}
	return list
}

// getenv is the environment: the emulators', and what the user's own says beside.
func (w *world) getenv(name string) string {
	if value, ok := w.server.Env()[name]; ok {
		return value
	}
	return w.Getenv(name)
}

// plain takes out of text what differs from one rehearsal to the next: where the
// emulators are served.
func (w *world) plain(text string) string {
	for _, address := range w.server.Env() {
		if host := strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/"); strings.HasPrefix(host, "127.0.0.1:") {
			text = strings.ReplaceAll(text, strings.SplitN(host, "/", 2)[0], "the sandbox")
		}
	}
	return text
}

// steady are platforms that are asked at exact times.
type steady struct{ *platform.Platform }

func (s steady) Facts(name string) driver.Facts {
	f := s.Platform.Facts(name)
	f.Backoff.Jitter = 0
	return f
}

// does is something that an invocation does.
type does func(context.Context, *engine.Engine) (view.Outcome, error)

// job is an invocation of the program: it goes on while an operation goes on, or
// something is due soon, and is billed by the minute.
func (w *world) job(ctx context.Context, by Trigger, who rollout.Actor, text string, do does) (view.Outcome, error) {
	begun := w.time.Now()
	w.lines = append(w.lines, w.line(Line{Trigger: by, Text: text}))
	out, err := w.pass(ctx, who, do)
	for err == nil && w.stays(out, begun) {
		before := w.time.Now()
		w.time.Until(out.Next)
		again, failed := w.pass(ctx, who, w.reconcile)
		if err = failed; err != nil {
			break
		}
		if out = again; !w.time.Now().After(before) {
			break // nothing moves
		}
	}
	took := w.time.Now().Sub(begun)
	w.minutes[by] += max(1, int((took+minute-1)/minute))
	w.ended = w.time.Now().Sub(w.Start)
	return out, err
}

// stays reports whether a job goes on: what is next is soon, and within its budget.
func (w *world) stays(out view.Outcome, begun time.Time) bool {
	if out.Status != view.Pending || out.Next.IsZero() {
		return false
	}
	now := w.time.Now()
	return out.Next.Sub(now) <= inline && out.Next.Before(begun.Add(budget))
}

// pass is one invocation of the engine, and looks at everything afterwards.
func (w *world) pass(ctx context.Context, who rollout.Actor, do does) (out view.Outcome, err error) {
	w.runs++
	limits := work.Begin(ctx, w.time.Clock(), work.Limits{Budget: passMost, Inline: inline, Places: w.Places})
	defer limits.End()
	run := rollout.Run{ID: fmt.Sprintf("run-%d", w.runs), Attempt: 1, Started: w.time.Now(), Actor: who.Login}
	held := w.ledger(ctx, ledger.Config{
		Pipeline: w.Pipeline.Name.Value, Digest: w.Pipeline.Digest, History: w.Pipeline.State.History, Run: run, Redact: w.plain, Work: limits,
	})
	first := len(w.lines)
	e := engine.New(engine.Config{
		Pipeline: w.Pipeline, Platform: steady{w.platforms.During(limits)}, Checks: w.checks, Reviews: w, Ledger: held, Work: limits, Notify: w.noticed,
		Run: run, Actor: who, Verified: true, Identifies: true, LeaseWait: time.Minute, Member: w.member,
	})
	out, err = do(ctx, e)
	if err == nil {
		w.last, err = e.Look(ctx, w.targets)
	}
	w.sort(first)
	return out, ledger.Join(err, held.Close())
}

func (w *world) reconcile(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
	return e.Reconcile(ctx, w.targets)
}

// line dates a line.
func (w *world) line(l Line) Line {
	l.At = w.time.Now().Sub(w.Start)
	l.Seconds = l.At.Seconds()
	l.Text = w.plain(l.Text)
	return l
}

// noticed is told by the engine what happens.
func (w *world) noticed(n executor.Notice) {
	if n.Kind == executor.NoticeEvent || n.Kind == executor.NoticeLook {
		w.events++
	}
	if text := words(n); text != "" {
		w.lines = append(w.lines, w.line(Line{Target: n.Target, Text: text}))
	}
}

// sort puts what happened at the same time into the file's order: targets are worked
// on side by side.
func (w *world) sort(first int) {
	at := map[string]int{}
	for i, t := range w.targets {
		at[t.Name.Value] = i
	}
	slices.SortStableFunc(w.lines[first:], func(a, b Line) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return at[a.Target] - at[b.Target]
	})
}

// newChecks are a pipeline's checks: what they measure is asked of the emulators, and
// nothing of the user's is run.
func newChecks(w *world, sources *measured.Sources, faults []sandbox.Fault) *checks {
	transport := http.DefaultTransport
	if sources != nil {
		transport = sources.Transport(w.server.Beside(), transport)
	}
	var environ []string
	env := w.server.Env()
	for _, name := range slices.Sorted(maps.Keys(env)) {
		environ = append(environ, name+"="+env[name])
	}
	clock := w.time.Clock()
	runner := &check.Runner{Environ: environ, Transport: transport, Now: clock.Now, Sleep: clock.Sleep, Redact: w.plain}
	return &checks{runner: runner, faults: faults, left: map[int]int{}, stages: w.stageOf()}
}

// stageOf is the stage of each target.
func (w *world) stageOf() map[string]string {
	of := map[string]string{}
	for t := range w.Pipeline.All() {
		of[t.Name.Value] = t.Stage.Name.Value
	}
	return of
}
