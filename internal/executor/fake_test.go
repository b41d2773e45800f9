package executor_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/stages/driver"
)

// fake is the platforms in memory, by name. It counts what it is asked and what
// takes effect, answers as its script says, and lets operations take their time.
type fake struct {
	as       map[string]string // by target, who asks
	mu       sync.Mutex
	facts    map[string]driver.Facts
	stands   map[string]standing // by target
	script   map[string][]answer // "target:kind" → how the next calls end
	says     map[string]driver.Verdict
	remote   *driver.Result   // what a platform that owns its rollouts tells of them
	finds    []driver.Finding // what Prepare finds
	slow     time.Duration    // how long an operation takes
	lag      time.Duration    // how long an answer takes
	polls    []error          // how the next polls fail
	reads    map[string]error // method → how each of its calls fails
	effects  []effect         // what took effect, in order
	requests []request        // what was asked, in order
	begun    map[string]*operation
	most     int // most requests at once
	now      int
}

// standing is what stands on a target.
type standing struct {
	Release string `json:"release"`
	Canary  string `json:"canary,omitempty"`
	Percent string `json:"percent,omitempty"`
}

// answer is how a Begin ends.
type answer struct {
	drop  bool          // it has no effect
	code  driver.Code   // "" answers well
	busy  bool          // somebody else is changing the target
	after time.Duration // Retry-After
	fail  string        // the operation fails with this
	slow  time.Duration // the answer takes so long
}

type effect struct {
	key, target, percent, release string
	kind                          driver.Kind
	at                            time.Time
	size                          int // of the call
}

func (e effect) String() string {
	return strings.TrimSpace(e.target + " " + string(e.kind) + " " + e.percent)
}

type request struct {
	what  string
	names []string
	at    time.Time
}

type operation struct {
	call  driver.Call
	open  bool
	until time.Time
	seen  time.Time // from then on a Lookup finds it
	fail  string
}

// platformError is an error with its explanation.
type platformError struct {
	driver.Explanation
	busy bool
}

func (e *platformError) Error() string { return "the platform says " + string(e.Code) }

func fails(c driver.Code) error { return &platformError{Explanation: driver.Explanation{Code: c}} }

func newFake() *fake {
	pace := driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2}
	return &fake{
		facts: map[string]driver.Facts{
			"plain": {Platform: "plain", Backoff: pace},
			"fleet": {Platform: "fleet", Backoff: pace, Batch: 1000},
		},
		stands: map[string]standing{}, script: map[string][]answer{}, says: map[string]driver.Verdict{},
		reads: map[string]error{}, begun: map[string]*operation{},
	}
}

func (f *fake) AskedAs(t driver.Target) string { return f.as[t.Name] }

func (f *fake) Facts(platform string) driver.Facts { return f.facts[platform] }

func (f *fake) CodeOf(err error) driver.Code {
	var e *platformError
	if errors.As(err, &e) {
		return e.Code
	}
	return driver.Unknown
}

func (f *fake) RetryAfter(err error) time.Duration {
	var e *platformError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func (f *fake) Busy(err error) bool {
	var e *platformError
	return errors.As(err, &e) && e.busy
}

// ask remembers a request, lets it take its time, and answers whether it fails.
func (f *fake) ask(ctx context.Context, what string, names []string) error {
	f.mu.Lock()
	f.requests = append(f.requests, request{what, names, time.Now()})
	f.now++
	f.most = max(f.most, f.now)
	err, lag := f.reads[what], f.lag
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if !rest(ctx, lag) {
		return fails(driver.Lost)
	}
	return err
}

// rest waits for d, and reports false where ctx ended first.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *fake) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	p := driver.Prepared{Call: c, Before: map[string]json.RawMessage{}, After: map[string]json.RawMessage{}, Runs: map[string]driver.Release{}}
	if err := f.ask(ctx, "prepare", c.Names()); err != nil {
		return p, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.land()
	for _, found := range f.finds {
		if slices.Contains(c.Names(), found.Target) {
			p.Findings = append(p.Findings, found)
		}
	}
	p.Call.Changes = nil
	for _, change := range c.Changes {
		f.prepareOne(&p, change)
	}
	return p, nil
}

func (f *fake) prepareOne(p *driver.Prepared, change driver.Change) {
	name := change.Target.Name
	at := f.stands[name]
	before, after := raw(at), predict(p.Call.Kind, at, change)
	p.Before[name], p.After[name] = before, raw(after)
	p.Runs[name] = driver.Release{ID: at.Release}
	if change.Expected != nil && !change.Options.Resolved && string(change.Expected) != string(before) {
		p.Findings = append(p.Findings, driver.Finding{Target: name, Severity: driver.Foreign, Message: "somebody was here"})
	}
	if p.Call.Kind == driver.Stable && at.Canary == "" {
		p.Findings = append(p.Findings, driver.Finding{Target: name, Severity: driver.Refuse, Message: "there is no canary"})
	}
	if after == at {
		p.Unchanged = append(p.Unchanged, name)
		return
	}
	change.Data = before
	p.Call.Changes = append(p.Call.Changes, change)
}

// raw is what stands as the state keeps it; null where nothing does.
func raw(v standing) json.RawMessage {
	if v == (standing{}) {
		return json.RawMessage("null")
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// predict is what stands after an effect.
func predict(kind driver.Kind, at standing, c driver.Change) standing {
	switch kind {
	case driver.Deploy:
		return standing{Release: c.Release.ID}
	case driver.Weight:
		at.Canary, at.Percent = c.Release.ID, c.Percent
	case driver.Stable:
		at.Release, at.Percent = at.Canary, "0"
	case driver.Disable:
		at.Canary, at.Percent = "", ""
	case driver.Rollback:
		var baseline standing
		if err := json.Unmarshal(c.Baseline, &baseline); err != nil {
			panic(err)
		}
		return baseline
	}
	return at
}

func (f *fake) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	a := f.answer(c)
	err := f.ask(ctx, "begin", c.Names())
	if err == nil && !rest(ctx, a.slow) {
		err = fails(driver.Lost)
	}
	if err != nil {
		return driver.Operation{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !a.drop && (a.code == "" || a.code == driver.Lost) {
		f.take(c, a)
	}
	if a.code != "" {
		return driver.Operation{}, &platformError{driver.Explanation{Code: a.code, RetryAfter: a.after}, a.busy}
	}
	return f.report(c), nil
}

// answer takes the next answer of the script.
func (f *fake) answer(c driver.Call) answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range c.Names() {
		key := name + ":" + string(c.Kind)
		if queue := f.script[key]; len(queue) > 0 {
			f.script[key] = queue[1:]
			return queue[0]
		}
	}
	return answer{}
}

// take puts an effect to work.
func (f *fake) take(c driver.Call, a answer) {
	now := time.Now()
	settle := f.facts[c.Changes[0].Target.Platform].Settle
	f.begun[c.Key] = &operation{call: c, open: true, until: now.Add(f.slow), seen: now.Add(settle), fail: a.fail}
	for _, change := range c.Changes {
		f.effects = append(f.effects, effect{c.Key, change.Target.Name, change.Percent, change.Release.ID, c.Kind, now, len(c.Changes)})
	}
	f.land()
}

// land lets the operations that are over take effect.
func (f *fake) land() {
	for _, op := range f.begun {
		if !op.open || time.Now().Before(op.until) {
			continue
		}
		op.open = false
		for _, change := range op.call.Changes {
			if op.fail == "" || !strings.HasPrefix(op.fail, change.Target.Name) {
				f.stands[change.Target.Name] = predict(op.call.Kind, f.stands[change.Target.Name], change)
			}
		}
	}
}

// report is how far an operation is.
func (f *fake) report(c driver.Call) driver.Operation {
	f.land()
	op := f.begun[c.Key]
	out := driver.Operation{ID: "op-" + c.Key, Status: driver.Running, Results: map[string]driver.Result{}}
	over := op != nil && !time.Now().Before(op.until)
	if over {
		out.Status = driver.Done
	}
	for _, change := range c.Changes {
		out.Results[change.Target.Name] = f.resultOf(op, over, c, change.Target.Name)
	}
	return out
}

func (f *fake) resultOf(op *operation, over bool, c driver.Call, name string) driver.Result {
	switch {
	case f.remote != nil:
		return *f.remote
	case !over:
		return driver.Result{Outcome: driver.Open}
	case op.fail != "" && strings.HasPrefix(op.fail, name):
		return driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Message: op.fail}}}
	}
	at := f.stands[name]
	r := driver.Result{Outcome: driver.Succeeded, Release: driver.Release{ID: at.Release}, After: raw(at)}
	if c.Kind == driver.Weight {
		r.Release = driver.Release{}
	}
	return r
}

func (f *fake) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	if err := f.ask(ctx, "lookup", c.Names()); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.says[c.Changes[0].Target.Name+":"+string(c.Kind)]; ok {
		return v, driver.Operation{Results: f.found(c)}, nil
	}
	op := f.begun[c.Key]
	switch {
	case op != nil && !time.Now().Before(op.seen):
		return driver.Found, f.report(c), nil
	case op != nil || time.Now().Before(c.Intended.Add(f.facts[c.Changes[0].Target.Platform].Settle)):
		return driver.Undecided, driver.Operation{}, nil
	}
	f.land()
	for _, change := range c.Changes {
		if string(raw(f.stands[change.Target.Name])) != string(change.Data) {
			return driver.ForeignChange, driver.Operation{Results: f.found(c)}, nil
		}
	}
	return driver.Absent, driver.Operation{}, nil
}

func (f *fake) found(c driver.Call) map[string]driver.Result {
	results := map[string]driver.Result{}
	for _, change := range c.Changes {
		results[change.Target.Name] = driver.Result{Outcome: driver.Failed, After: raw(f.stands[change.Target.Name])}
	}
	return results
}

func (f *fake) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if err := f.ask(ctx, "poll", op.Call.Names()); err != nil {
		return op, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.polls) > 0 {
		err := f.polls[0]
		f.polls = f.polls[1:]
		if err != nil {
			return op, 0, err
		}
	}
	return f.report(op.Call), 0, nil
}

// next scripts how the next calls of a kind on a target end.
func (f *fake) next(target string, kind driver.Kind, answers ...answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := target + ":" + string(kind)
	f.script[key] = append(f.script[key], answers...)
}

// put says what stands on a target.
func (f *fake) put(target string, s standing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.land()
	f.stands[target] = s
}

func (f *fake) stand(target string) standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.land()
	return f.stands[target]
}

// done lists what took effect: "web weight 10".
func (f *fake) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]string, len(f.effects))
	for i, e := range f.effects {
		list[i] = e.String()
	}
	return list
}

// began is when the first request was made. A worker that nobody waited for may
// still be at its own.
func (f *fake) began() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[0].at
}

// asked counts the requests of some kinds; all of them without any.
func (f *fake) asked(whats ...string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if len(whats) == 0 || slices.Contains(whats, r.what) {
			n++
		}
	}
	return n
}
