package stagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/guard"
	"sluice/stages"
	"sluice/stages/conform"
	"sluice/stages/driver"
)

const (
	mostMemory  = 200 << 20        // bytes that one life may allocate
	mostTime    = 60 * time.Second // that one call of a driver is given
	readAttempt = 4                // as the engine reads
	sendAttempt = 3                // as the engine sends what provably did nothing
	collectAt   = 800              // percent of what is live that may be allocated before it is collected
)

// RunHostile holds a platform to the rule that an answer is checked before it
// is believed. Every request that a driver makes on the way of every kind gets
// every bad answer there is: nothing, {}, null, [], values of wrong types, no
// ids, half, HTML, a redirect to another host, silence, a drip, a gigabyte, a
// bomb; a request with an effect before it took place and after; once, and from
// there on.
//
// The rules: one bad answer heals by being asked again, and the end is the one
// of a clean run, with one effect; bad answers that last end in an error that
// leaves everything open, never in success, in a finding against the release,
// or in "nothing runs there"; an effect is sent at most once a Begin; nothing
// goes to another host; no panic, less than 200 MB, less than a minute a call.
//
// It prints a table: request, answers, what was done. A driver's test calls it
// with the harness of its conformance test:
//
//	func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }
func RunHostile(t *testing.T, newHarness NewHarness) {
	// Thousands of short lives leave nothing behind: a collection for each few of
	// them is a quarter of the suite's time.
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	for _, kind := range newHarness(t).Facts.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			most := &tally{}
			defer func() { t.Logf("%s", most) }()
			for _, lost := range []bool{false, true} {
				if lost && kind.IsCommand() {
					continue
				}
				clean := cleanLife(newRig(t, newHarness(t)), kind, lost)
				for _, at := range clean.requests() {
					t.Run(at.String(), func(t *testing.T) { hostile(t, newHarness, clean, at, most) })
				}
			}
		})
	}
}

// tally is the most that any life of a kind took.
type tally struct {
	lives  int
	memory uint64
	call   time.Duration
}

func (m *tally) add(l *life) {
	m.lives++
	m.memory, m.call = max(m.memory, l.memory), max(m.call, l.longest)
}

// String is the tally for the table.
func (m *tally) String() string {
	return fmt.Sprintf("%d lives; the most that one allocated: %d MiB of %d; the longest call: %s of %s", m.lives, m.memory>>20, mostMemory>>20, m.call, mostTime)
}

// mode is how a bad answer is given.
type mode struct {
	lasting bool // everything from the request on
	arrives bool // an effect takes place before its answer is replaced
}

func (m mode) String() string {
	text := "once"
	if m.lasting {
		text = "from there on"
	}
	if m.arrives {
		text += ", the effect having happened"
	}
	return text
}

// modes are the ways for a request.
func modes(at asked) []mode {
	all := []mode{{}, {lasting: true}}
	if at.effect {
		all = append(all, mode{arrives: true}, mode{lasting: true, arrives: true})
	}
	return all
}

// hostile gives one request every bad answer, and prints what was done.
//
// A life that reads as a clean one does, up to the effect, goes on as that one: it
// is stopped there. Every other life goes to its end.
func hostile(t *testing.T, newHarness NewHarness, clean *life, at asked, most *tally) {
	benches := &benches{T: t, newHarness: newHarness, clean: clean, at: at}
	for _, m := range modes(at) {
		done, given := map[string][]string{}, 0
		for _, answer := range badAnswers() {
			if answer.heavy && (m.lasting || clean.kind != clean.b.Facts.Kinds[0]) {
				continue // they are about the client, which is the same for every kind
			}
			b := benches.next()
			s := newSpoiler(b)
			s.at, s.answer, s.mode, s.changes = &at, answer, m, clean.changes()
			l := play(b, clean.kind, clean.lost, s, clean)
			most.add(l)
			for _, broken := range judge(b, l, clean) {
				t.Errorf("%s, %s, %s (%s): broke the rule %s", clean.platform, at, answer.name, m, broken)
			}
			done[l.told()] = append(done[l.told()], answer.name)
			given++
		}
		for _, what := range slices.Sorted(maps.Keys(done)) {
			answers := strings.Join(done[what], ", ")
			if len(done[what]) == given {
				answers = "every answer"
			}
			t.Logf("%s | %s | %s | %s, %s → %s", clean.platform, clean.kind, at, answers, m, what)
		}
	}
}

// rig is a bench where the lives of one request begin, and what lies behind all of
// them: the call that was brought about, what was prepared of it, and the operation
// that it began. Zero for none.
type rig struct {
	*conform.Bench
	test     *testing.T
	reached  driver.Call
	prepared driver.Prepared
	begun    *driver.Operation
}

func newRig(t *testing.T, h Harness) *rig {
	t.Helper()
	return &rig{Bench: conform.NewInside(t, h), test: t}
}

// benches are where the lives of one request begin, each as if none had been there
// before: one that is put back each time, where its platform can be, else new ones.
// One that is put back has the clean way up to the phase of the request behind it.
type benches struct {
	*testing.T
	newHarness NewHarness
	clean      *life
	at         asked
	kept       *rig
	putBack    func()
}

func (s *benches) next() *rig {
	s.Helper()
	if s.kept != nil {
		s.putBack()
		return s.kept
	}
	b := newRig(s.T, s.newHarness(s.T))
	b.reached = b.Bring(s.clean.kind)
	if b.Snapshot == nil {
		return b
	}
	if s.clean.lost || s.at.phase == "begin" || s.at.phase == "poll" {
		b.prepared = b.Prepare(b.reached)
	}
	if s.clean.lost || s.at.phase == "poll" {
		op, err := b.Begin(b.prepared.Call)
		b.Must(err)
		b.begun = &op
	}
	s.kept, s.putBack = b, b.Snapshot()
	return b
}

// life is one effect on its way through the protocol, as the engine takes it,
// and what came of it.
type life struct {
	*spoiler
	b        *rig
	kind     driver.Kind
	platform string
	lost     bool // its Begin's answer was thrown away: looked up
	clean    *life

	call     driver.Call
	current  driver.Release
	resolved driver.Release
	prepared driver.Prepared
	end      driver.Result
	ended    bool
	stopped  bool // it went on as the clean one would
	err      error
	log      []string      // what was done beside the plain way, in order
	broken   []string      // rules that were broken on the way
	start    int           // effects before it
	memory   uint64        // bytes allocated
	longest  time.Duration // of one call of the driver
	had      int           // effects
}

func cleanLife(b *rig, kind driver.Kind, lost bool) *life {
	b.Helper()
	l := play(b, kind, lost, newSpoiler(b), nil)
	if l.err != nil || !l.ended || len(l.broken) > 0 || l.had != 1 {
		b.Fatalf("a clean %s: %+v, %v, %d effects, %v", kind, l.end, l.err, l.had, l.broken)
	}
	return l
}

// requests are those of a clean life that get bad answers: of a lost one only
// what comes after the loss, the rest being the other's.
func (l *life) requests() []asked {
	if !l.lost {
		return l.record
	}
	i := slices.IndexFunc(l.record, func(a asked) bool { return a.phase == "lookup" })
	if i < 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.record[i:]), func(a asked) bool { return a.phase != "lookup" })
}

// changes are the requests that changed something.
func (l *life) changes() map[string]bool {
	keys := map[string]bool{}
	for _, a := range l.record {
		if a.effect {
			keys[a.key()] = true
		}
	}
	return keys
}

// play lives one life. It runs in a bubble, so that waits take no time: the
// fake platform is outside of it, and no connection to it is kept.
func play(b *rig, kind driver.Kind, lost bool, s *spoiler, clean *life) *life {
	b.Helper()
	l := &life{spoiler: s, b: b, kind: kind, platform: b.Facts.Platform, lost: lost, clean: clean, call: b.reached}
	if l.call.Key == "" {
		l.call = b.Bring(kind)
	}
	if l.start = b.Effects(); b.begun != nil {
		l.start--
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	synctest.Test(b.test, func(t *testing.T) { l.run(t.Context()) })
	runtime.ReadMemStats(&after)
	l.memory, l.had = after.TotalAlloc-before.TotalAlloc, b.Effects()-l.start
	return l
}

// run is the protocol, from the phase on that is spoiled where that is one of the
// reads. What stops it is in err.
func (l *life) run(ctx context.Context) {
	for _, step := range []struct {
		phase string
		do    func(context.Context) error
	}{{"current", l.look}, {"resolve", l.find}, {"prepare", l.prepare}, {"", l.send}} {
		if l.isBehind(step.phase) {
			continue
		}
		if l.err = step.do(ctx); l.err != nil {
			return
		}
		if l.stopped = l.asClean(step.phase); l.stopped {
			return
		}
	}
}

// isBehind reports whether a phase is one of the clean way, which the life does not
// go again.
func (l *life) isBehind(phase string) bool {
	switch {
	case l.at == nil || phase == "" || phase == l.at.phase:
		return false
	case phase == "prepare" && l.b.prepared.Call.Key == "":
		return false
	case phase == "prepare":
		l.prepared = copied(l.b.prepared)
	}
	return true
}

// asClean reports whether a life is through with the phase in which it was spoiled,
// came to what the clean one came to, and goes on as that one: what comes of a call
// depends on the call and the platform alone.
func (l *life) asClean(phase string) bool {
	if l.at == nil || l.lost || l.lasting || phase != l.at.phase || len(l.broken) > 0 {
		return false
	}
	return phase != "prepare" || canonical(l.prepared) == canonical(l.clean.prepared)
}

// place is the first target as a new process sees it, through the spoiler.
func (l *life) place() *stages.Target {
	s := stages.New(
		driver.Env{Getenv: func(name string) string { return l.b.Env[name] }, Now: l.b.Now, Transport: l.spoiler},
		stages.Platform{Facts: l.b.Facts, Open: l.b.Open},
	)
	place, err := s.Target(l.target())
	if err != nil {
		panic(err) // the harness's own target is on its own platform
	}
	return place
}

// target is the one that the call is about.
func (l *life) target() driver.Target { return l.call.Changes[0].Target }

// reading makes a read as the engine does: again while the answer may come.
func reading[T any](ctx context.Context, l *life, phase string, read func(context.Context, *stages.Target) (T, error)) (T, error) {
	l.enter(phase)
	for attempt := 1; ; attempt++ {
		v, err := within(ctx, l, func(ctx context.Context) (T, error) { return read(ctx, l.place()) })
		if err == nil {
			return v, nil
		}
		if !slices.Contains([]driver.Code{driver.Lost, driver.Unknown, driver.Retryable}, stages.CodeOf(err)) {
			l.breaks("that a bad answer is none: %s says %s: %v", phase, stages.CodeOf(err), err)
			return v, err
		}
		if attempt == readAttempt {
			return v, err
		}
		l.did("read again")
		time.Sleep(time.Second)
	}
}

// within gives a call of the driver its time, and looks at its error.
func within[T any](ctx context.Context, l *life, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	began := time.Now()
	v, err := f(ctx)
	took := time.Since(began)
	l.longest = max(l.longest, took)
	if took > mostTime+time.Second {
		l.breaks("that a call ends with its context: it took %s", took)
	}
	if guard.IsMistake(err) {
		l.breaks("that nothing panics: %v", err)
	}
	return v, err
}

func (l *life) look(ctx context.Context) (err error) {
	l.current, err = reading(ctx, l, "current", func(ctx context.Context, p *stages.Target) (driver.Release, error) { return p.Current(ctx) })
	if err == nil && l.clean != nil && l.current.ID != l.clean.current.ID {
		l.breaks("that only an answer with its ids is believed: %q is said to run, %q does", l.current.ID, l.clean.current.ID)
	}
	return err
}

func (l *life) find(ctx context.Context) (err error) {
	id := l.call.Changes[0].Release.ID
	if id == "" {
		return nil
	}
	l.resolved, err = reading(ctx, l, "resolve", func(ctx context.Context, p *stages.Target) (driver.Release, error) { return p.Resolve(ctx, id) })
	if err == nil && l.clean != nil && (l.resolved.ID != id || !l.resolved.CreateTime.Equal(l.clean.resolved.CreateTime)) {
		l.breaks("that only an answer with its ids is believed: release %q is %+v, it is %+v", id, l.resolved, l.clean.resolved)
	}
	return err
}

func (l *life) prepare(ctx context.Context) (err error) {
	l.prepared, err = reading(ctx, l, "prepare", func(ctx context.Context, p *stages.Target) (driver.Prepared, error) {
		return p.Prepare(ctx, copied(l.call))
	})
	if err != nil {
		return err
	}
	l.prepared.Call.Intended = l.b.Now()
	for _, f := range l.prepared.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			l.breaks("that a bad answer says nothing against a release: %s: %s", f.Severity, f.Message)
			return errors.New(f.Message)
		}
	}
	if len(l.prepared.Call.Changes) == 0 {
		l.breaks("that only an answer with its ids is believed: nothing is left to do")
		return errors.New("unchanged")
	}
	if l.clean == nil {
		return nil
	}
	if len(l.prepared.First) > 0 {
		l.breaks("that nothing runs there only where an answer proves it: the first release, it is said")
	}
	if got, want := canonical(l.prepared.Before), canonical(l.clean.prepared.Before); got != want {
		l.breaks("that only an answer with its ids is believed: before it stood %s, and it was %s", got, want)
	}
	return nil
}

// send begins the call, follows it, and looks it up where its answer is lost.
func (l *life) send(ctx context.Context) error {
	for attempt := range sendAttempt {
		var op driver.Operation
		var err error
		if l.b.begun != nil && attempt == 0 {
			op = copied(*l.b.begun)
		} else {
			op, err = l.begin(ctx)
		}
		if err == nil && !l.lost {
			return l.follow(ctx, op)
		}
		switch stages.CodeOf(err) {
		case driver.Retryable:
			l.did("sent again, having done nothing")
			time.Sleep(time.Second)
		case "", driver.Lost, driver.Unknown:
			verdict, op, err := l.decide(ctx)
			if err != nil {
				return err
			}
			if verdict == driver.Found {
				return l.follow(ctx, op)
			}
			if verdict != driver.Absent {
				return fmt.Errorf("looked up: %s", verdict)
			}
			l.did("sent again")
			l.prepared.Call.Intended = l.b.Now()
		default:
			l.breaks("that a bad answer is none: begin says %s: %v", stages.CodeOf(err), err)
			return err
		}
	}
	return errors.New("sent three times")
}

func (l *life) begin(ctx context.Context) (driver.Operation, error) {
	l.enter("begin")
	had, sent := l.b.Effects(), l.changing()
	op, err := within(ctx, l, func(ctx context.Context) (driver.Operation, error) {
		return l.place().Begin(ctx, copied(l.prepared.Call))
	})
	took, times := l.b.Effects()-had, l.changing()-sent
	if took > 1 || times > 1 {
		l.breaks("that an effect is sent at most once a Begin: sent %d times, %d effects", times, took)
	}
	if code := stages.CodeOf(err); took > 0 && err != nil && code != driver.Lost && code != driver.Unknown {
		l.breaks("that what may have happened is lost: %s after an effect: %v", code, err)
	}
	return op, err
}

func (l *life) changing() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// decide looks a lost call up until it is decided.
func (l *life) decide(ctx context.Context) (driver.Verdict, driver.Operation, error) {
	type found struct {
		verdict driver.Verdict
		op      driver.Operation
	}
	l.did("looked up")
	for range 100 {
		f, err := reading(ctx, l, "lookup", func(ctx context.Context, p *stages.Target) (found, error) {
			v, op, err := p.Lookup(ctx, copied(l.prepared.Call))
			return found{v, op}, err
		})
		if err != nil {
			return driver.Undecided, f.op, err
		}
		if f.verdict == driver.Undecided {
			l.b.Advance(max(l.b.Facts.Settle/4, 100*time.Millisecond))
			continue
		}
		l.did(string(f.verdict))
		l.verdict(f.verdict)
		return f.verdict, f.op, nil
	}
	return driver.Undecided, driver.Operation{}, errors.New("never decided")
}

// verdict compares what was looked up with what is true.
func (l *life) verdict(v driver.Verdict) {
	happened := l.b.Effects() > l.start
	switch {
	case v == driver.ForeignChange:
		l.breaks("that a bad answer says nothing against a release: a lookup says that somebody else was there")
	case v == driver.Found && !happened, v == driver.Absent && happened:
		l.breaks("that a lookup says what is true: %s, and it happened: %t", v, happened)
	}
}

// follow polls until the end.
func (l *life) follow(ctx context.Context, op driver.Operation) error {
	type polled struct {
		op   driver.Operation
		wait time.Duration
	}
	for range 200 {
		op = copied(op)
		op.Call = copied(l.prepared.Call)
		p, err := reading(ctx, l, "poll", func(ctx context.Context, place *stages.Target) (polled, error) {
			next, wait, err := place.Poll(ctx, op)
			return polled{next, wait}, err
		})
		if err != nil {
			return err
		}
		if op = p.op; op.Finished() {
			l.end, l.ended = op.Results[l.target().Name], true
			return nil
		}
		l.b.Advance(max(p.wait, l.b.Facts.Backoff.Initial, time.Second))
	}
	return errors.New("it never ends")
}

// judge says which rules a life broke, compared with a clean one.
func judge(b *rig, l, clean *life) []string {
	broken := l.broken
	breaks := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	done := l.ended && l.end.Outcome == driver.Succeeded
	if l.spoiled == 0 {
		breaks("of this suite: the request was not made")
	}
	if l.had > 1 {
		breaks("that one effect is one: %d effects", l.had)
	}
	if len(l.elsewhere) > 0 {
		breaks("that nothing goes to another host: %v", l.elsewhere)
	}
	if l.memory > mostMemory {
		breaks("that memory stays below %d MiB: %d MiB", mostMemory>>20, l.memory>>20)
	}
	if l.ended && !done && clean.end.Outcome == driver.Succeeded {
		breaks("that a bad answer says nothing against a release: it failed: %v", l.end.Errors)
	}
	if done && l.had != 1 {
		breaks("that success is what stands: succeeded with %d effects", l.had)
	}
	if done && !l.kind.IsCommand() && b.Current(b.Target()).ID != b.Expected(l.kind) {
		breaks("that success is what stands: it does not")
	}
	if !l.lasting && !l.ended && !l.stopped {
		breaks("that one bad answer heals by being asked again: %v", l.err)
	}
	return broken
}

// told is what was done, in a few words.
func (l *life) told() string {
	words := slices.Clone(l.log)
	switch {
	case l.stopped:
		return strings.Join(append(words, "then as without it"), ", ")
	case l.ended:
		words = append(words, string(l.end.Outcome))
	case stages.CodeOf(l.err) != driver.Unknown:
		words = append(words, "open ("+string(stages.CodeOf(l.err))+")")
	default:
		words = append(words, "open")
	}
	return strings.Join(append(words, fmt.Sprintf("%d effects", l.had)), ", ")
}

// did notes what was done, once for a row of the same.
func (l *life) did(what string) {
	if n := len(l.log); n == 0 || l.log[n-1] != what {
		l.log = append(l.log, what)
	}
}

func (l *life) breaks(format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}

// copied is a value as another process reads it.
func copied[T any](v T) T {
	var out T
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		panic(err) // plain data
	}
	return out
}

func canonical(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

var _ http.RoundTripper = (*spoiler)(nil)
