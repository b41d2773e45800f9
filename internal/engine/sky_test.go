package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/stages/driver"
)

// sky is a platform in memory. It counts what takes effect, answers as its
// script says, and lets its operations take their time.
type sky struct {
	mu       sync.Mutex
	facts    driver.Facts
	spots    map[string]*spot
	releases map[string]time.Time      // when each was created
	script   map[string][]answer       // "target:kind" → how the next calls end
	forced   map[string]driver.Verdict // "target:kind" → what every Lookup says
	slow     time.Duration             // how long an operation takes
	hint     time.Duration             // Poll's word on when to ask again
	polls    []error                   // how the next polls fail
	reads    map[string]error          // method → how each of its calls fails
	effects  []effect                  // what took effect, in order
	requests []request                 // what was asked, in order
	begun    map[string]*operation     // by the call's key
	cloud    *cloud                    // where the platform owns its rollouts
}

// standing is what stands on a spot.
type standing struct {
	Release string `json:"release"`
	Canary  string `json:"canary,omitempty"`
	Percent string `json:"percent,omitempty"`
}

type spot struct {
	standing
	gone bool
}

// answer is how a Begin ends.
type answer struct {
	drop  bool          // it has no effect
	code  driver.Code   // "" answers well
	after time.Duration // Retry-After
	fail  string        // the operation fails with this
	slow  time.Duration // the answer takes so long
}

type effect struct {
	key, target, percent, release string
	kind                          driver.Kind
	at                            time.Time
}

func (e effect) String() string {
	text := e.target + " " + string(e.kind)
	if e.percent != "" {
		text += " " + e.percent
	}
	return text
}

type request struct {
	what    string
	targets string
	at      time.Time
}

type operation struct {
	call  driver.Call
	until time.Time
	seen  time.Time // from then on a Lookup finds it
	fail  string
}

// platformError is an error with its explanation.
type platformError struct{ driver.Explanation }

func (e *platformError) Error() string { return "the sky says " + string(e.Code) }

func newSky(facts driver.Facts) *sky {
	facts.Keys = []driver.Key{{Name: "spot", Type: driver.String, Required: true, Identity: true, Hint: "a name", Doc: "The spot."}}
	if facts.Kinds == nil {
		facts.Kinds = []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback}
	}
	return &sky{
		facts: facts, spots: map[string]*spot{}, releases: map[string]time.Time{}, script: map[string][]answer{},
		forced: map[string]driver.Verdict{}, reads: map[string]error{}, begun: map[string]*operation{},
	}
}

func explain(err error) driver.Explanation {
	var e *platformError
	if errors.As(err, &e) {
		return e.Explanation
	}
	return driver.Explanation{Code: driver.Unknown}
}

func code(c driver.Code) error { return &platformError{driver.Explanation{Code: c}} }

// note remembers a request and answers whether it fails.
func (s *sky) note(what string, targets ...string) error {
	s.requests = append(s.requests, request{what, strings.Join(targets, ","), time.Now()})
	return s.reads[what]
}

func (s *sky) current(t driver.Target) (driver.Release, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.note("current", t.Name); err != nil {
		return driver.Release{}, err
	}
	at, err := s.at(t)
	if err != nil || at.Release == "" {
		return driver.Release{}, err
	}
	return driver.Release{ID: at.Release, CreateTime: s.releases[at.Release]}, nil
}

func (s *sky) at(t driver.Target) (*spot, error) {
	s.land()
	at := s.spots[spotOf(t)]
	if at == nil || at.gone {
		return nil, code(driver.NotFound)
	}
	return at, nil
}

func spotOf(t driver.Target) string {
	var config struct{ Spot string }
	_ = json.Unmarshal(t.Config, &config)
	return config.Spot
}

func (s *sky) resolve(id string) (driver.Release, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.note("resolve"); err != nil {
		return driver.Release{}, err
	}
	made, ok := s.releases[id]
	if !ok {
		return driver.Release{}, code(driver.NotFound)
	}
	return driver.Release{ID: id, CreateTime: made}, nil
}

func (s *sky) prepare(c driver.Call) (driver.Prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := driver.Prepared{
		Call: c, Before: map[string]json.RawMessage{}, After: map[string]json.RawMessage{}, Runs: map[string]driver.Release{},
		Requests: []string{"POST /" + string(c.Kind)},
	}
	if err := s.note("prepare", c.Names()...); err != nil {
		return p, err
	}
	p.Call.Changes = nil
	for _, change := range c.Changes {
		if err := s.prepareOne(&p, change); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (s *sky) prepareOne(p *driver.Prepared, change driver.Change) error {
	name := change.Target.Name
	at, err := s.at(change.Target)
	if err != nil {
		return err
	}
	if s.cloud != nil {
		p.Call.Changes = append(p.Call.Changes, change)
		return nil
	}
	before, after := raw(at.standing), s.predict(p.Call.Kind, at.standing, change)
	p.Before[name], p.After[name] = before, raw(after)
	p.Runs[name] = driver.Release{ID: at.Release}
	if at.Release == "" {
		p.First = append(p.First, name)
	}
	if change.Expected != nil && !change.Options.Resolved && string(change.Expected) != string(before) {
		p.Findings = append(p.Findings, driver.Finding{Target: name, Severity: driver.Foreign, Message: "somebody was here"})
	}
	if p.Call.Kind == driver.Stable && at.Canary == "" {
		p.Findings = append(p.Findings, driver.Finding{Target: name, Severity: driver.Refuse, Message: "there is no canary"})
	}
	if change.Release.ID == "" && p.Call.Kind == driver.Stable {
		change.Release = driver.Release{ID: at.Canary}
	}
	if after == at.standing {
		p.Unchanged = append(p.Unchanged, name)
		return nil
	}
	change.Data = before
	p.Call.Changes = append(p.Call.Changes, change)
	return nil
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
func (s *sky) predict(kind driver.Kind, at standing, c driver.Change) standing {
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
		_ = json.Unmarshal(c.Baseline, &baseline)
		return baseline
	}
	return at
}

func (s *sky) begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	a := s.answer(c)
	if a.slow > 0 {
		select {
		case <-time.After(a.slow):
		case <-ctx.Done():
			return driver.Operation{}, code(driver.Lost)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.note("begin", c.Names()...)
	if !a.drop && (a.code == "" || a.code == driver.Lost) {
		s.start(c, a)
	}
	if a.code != "" {
		return driver.Operation{}, &platformError{driver.Explanation{Code: a.code, RetryAfter: a.after}}
	}
	return s.report(c.Key, c), nil
}

// answer takes the next answer of the script.
func (s *sky) answer(c driver.Call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range c.Names() {
		key := name + ":" + string(c.Kind)
		if queue := s.script[key]; len(queue) > 0 {
			s.script[key] = queue[1:]
			return queue[0]
		}
	}
	return answer{}
}

// start puts an effect to work.
func (s *sky) start(c driver.Call, a answer) {
	now := time.Now()
	s.begun[c.Key] = &operation{call: c, until: now.Add(s.slow), seen: now.Add(s.facts.Settle), fail: a.fail}
	for _, change := range c.Changes {
		e := effect{key: c.Key, target: change.Target.Name, percent: change.Percent, release: change.Release.ID, kind: c.Kind, at: now}
		s.effects = append(s.effects, e)
	}
	if s.cloud != nil {
		s.cloud.apply(s, c)
	}
	s.land()
}

// land lets the operations that are over take effect.
func (s *sky) land() {
	for _, op := range s.begun {
		if s.cloud != nil {
			break
		}
		if op.call.Changes == nil || time.Now().Before(op.until) {
			continue
		}
		for _, change := range op.call.Changes {
			if op.fail == "" || !strings.HasPrefix(op.fail, change.Target.Name) {
				at := s.spots[spotOf(change.Target)]
				at.standing = s.predict(op.call.Kind, at.standing, change)
			}
		}
		op.call.Changes = nil
	}
}

// report is how far an operation is.
func (s *sky) report(key string, c driver.Call) driver.Operation {
	if s.cloud != nil {
		return s.cloud.report(s, key, c)
	}
	s.land()
	op := s.begun[key]
	out := driver.Operation{ID: "op-" + key, Status: driver.Running, Results: map[string]driver.Result{}}
	over := op != nil && !time.Now().Before(op.until)
	if over {
		out.Status = driver.Done
	}
	for _, change := range c.Changes {
		name := change.Target.Name
		r := driver.Result{Outcome: driver.Open}
		switch {
		case over && op.fail != "" && strings.HasPrefix(op.fail, name):
			r = driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Message: op.fail}}}
		case over:
			at := s.spots[spotOf(change.Target)].standing
			r = driver.Result{Outcome: driver.Succeeded, Release: driver.Release{ID: at.Release}, After: raw(at)}
			if c.Kind == driver.Weight {
				r.Release = driver.Release{}
			}
		}
		out.Results[name] = r
	}
	return out
}

func (s *sky) lookup(c driver.Call) (driver.Verdict, driver.Operation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.note("lookup", c.Names()...); err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if v, ok := s.forced[c.Changes[0].Target.Name+":"+string(c.Kind)]; ok {
		return v, driver.Operation{Results: s.stands(c)}, nil
	}
	op := s.begun[c.Key]
	switch {
	case op != nil && !time.Now().Before(op.seen):
		return driver.Found, s.report(c.Key, c), nil
	case op != nil || time.Now().Before(c.Intended.Add(s.facts.Settle)):
		return driver.Undecided, driver.Operation{}, nil
	}
	s.land()
	for _, change := range c.Changes {
		if s.cloud == nil && string(raw(s.spots[spotOf(change.Target)].standing)) != string(change.Data) {
			return driver.ForeignChange, driver.Operation{Results: s.stands(c)}, nil
		}
	}
	return driver.Absent, driver.Operation{}, nil
}

func (s *sky) stands(c driver.Call) map[string]driver.Result {
	results := map[string]driver.Result{}
	for _, change := range c.Changes {
		results[change.Target.Name] = driver.Result{Outcome: driver.Failed, After: raw(s.spots[spotOf(change.Target)].standing)}
	}
	return results
}

func (s *sky) poll(op driver.Operation) (driver.Operation, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.note("poll", op.Call.Names()...); err != nil {
		return op, 0, err
	}
	if len(s.polls) > 0 {
		err := s.polls[0]
		s.polls = s.polls[1:]
		if err != nil {
			return op, 0, err
		}
	}
	return s.report(op.Call.Key, op.Call), s.hint, nil
}

// put says what stands on a spot.
func (s *sky) put(name, release string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spots[name] = &spot{standing: standing{Release: release}}
}

// intrude changes a spot behind everybody's back.
func (s *sky) intrude(name string, stands standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land()
	s.spots[name].standing = stands
}

func (s *sky) stand(name string) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land()
	return s.spots[name].standing
}

// next scripts how the next calls of a kind on a target end.
func (s *sky) next(target string, kind driver.Kind, answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := target + ":" + string(kind)
	s.script[key] = append(s.script[key], answers...)
}

// done lists what took effect: "web weight 10".
func (s *sky) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]string, len(s.effects))
	for i, e := range s.effects {
		list[i] = e.String()
	}
	return list
}

// asked counts the requests of some kinds; all of them without any.
func (s *sky) asked(whats ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if len(whats) == 0 || slices.Contains(whats, r.what) {
			n++
		}
	}
	return n
}

func (s *sky) String() string { return fmt.Sprint(s.done()) }
