package engine_test

import (
	"encoding/json"
	"errors"
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
