package engine_test

import (
	"context"
	"strings"
	"time"

	"sluice/stages/driver"
)

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
