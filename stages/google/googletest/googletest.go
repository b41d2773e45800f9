// Package googletest spoils answers of Google's APIs on their way to a driver:
// one bad answer must be read again and change nothing of what comes of a call.
package googletest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluice/stages/driver"
	"sluice/stages/stagetest"
)

// Platform is a fresh fake platform and one call on it.
type Platform struct {
	// Open is a new driver whose requests the transport carries.
	Open func(http.RoundTripper) driver.Driver
	// Call is the call before it is prepared; it has one change.
	Call driver.Call
	// Move lets a little time pass on the platform.
	Move func()
	// Effects counts what took effect there.
	Effects func() int
}

// attempts is how often a request is repeated whose answer was none: once more
// than an answer is spoiled.
const attempts = 2

// mostPolls bounds how long an operation is followed.
const mostPolls = 30

// Heals takes the call of a fresh platform through the whole protocol, once as
// it is and then once for each request and each bad answer to it. Whatever the
// one bad answer is, the call ends as it does without: with the same findings,
// the same result, the same number of effects, and without a panic.
func Heals(t *testing.T, fresh func(*testing.T) Platform) {
	t.Helper()
	clean := &spoiler{}
	want := tell(t.Context(), fresh(t), clean)
	if !strings.Contains(want, `"outcome":"succeeded"`) && !strings.Contains(want, `"waiting":"`) {
		t.Fatalf("the call does not end well by itself: %s", want)
	}
	for n, seen := range clean.seen {
		for _, bad := range answersTo(seen) {
			s := &spoiler{nth: n + 1, bad: bad}
			got := tell(t.Context(), fresh(t), s)
			if len(s.seen) <= n {
				t.Errorf("request %d, %s, was not sent again", n+1, seen.what)
			}
			if got != want {
				t.Errorf("request %d, %s, answered by %s:\n got %s\nwant %s", n+1, seen.what, bad.name, got, want)
			}
		}
	}
}

// answer is what a request is answered with.
type answer struct {
	name   string
	status int
	text   string
}

// exchange is a request and its true answer.
type exchange struct {
	what   string
	status int
	text   []byte
}

// answersTo are the bad answers to a request: those that are none whatever was
// asked for, and the true one with a part of it missing or wrong.
func answersTo(x exchange) []answer {
	all := []answer{
		{"null", 200, "null"},
		{"half of it", 200, string(x.text[:len(x.text)/2])},
		{"another object", 200, `{"name":"projects/other/locations/x/things/other","uid":"u","state":"SUCCEEDED","status":"DONE","progress":100}`},
		{"a 404 of a proxy", 404, "<html>not found</html>"},
		{"an empty 404", 404, "{}"},
		{"a 503 that says 404", 503, `{"error":{"code":404,"message":"not there","status":"NOT_FOUND"}}`},
	}
	if !isEmptyObject(x.text) {
		all = append(all, answer{"{}", 200, "{}"})
	}
	return append(all, partsMissing(x)...)
}

func isEmptyObject(text []byte) bool { return string(bytes.TrimSpace(text)) == "{}" }

// partsMissing is a true answer without each of its fields, and with every field
// but its name of a wrong type.
func partsMissing(x exchange) []answer {
	var object map[string]json.RawMessage
	if x.status != http.StatusOK || json.Unmarshal(x.text, &object) != nil {
		return nil
	}
	var all []answer
	wrong := map[string]json.RawMessage{}
	for _, field := range slices.Sorted(maps.Keys(object)) {
		without := maps.Clone(object)
		delete(without, field)
		all = append(all, answer{"one without " + field, 200, text(without)})
		if wrong[field] = json.RawMessage(`[{"wrong":[7]}]`); field == "name" {
			wrong[field] = object[field]
		}
	}
	return append(all, answer{"one with wrong fields", 200, text(wrong)})
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// spoiler passes requests on; the answer to the nth is a bad one.
type spoiler struct {
	nth  int // from 1; 0 for none
	bad  answer
	seen []exchange
}

// RoundTrip implements http.RoundTripper.
func (s *spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	s.seen = append(s.seen, exchange{r.Method + " " + r.URL.Path, res.StatusCode, body})
	if len(s.seen) == s.nth {
		res.StatusCode, res.Status, body = s.bad.status, http.StatusText(s.bad.status), []byte(s.bad.text)
		res.ContentLength = int64(len(body))
		res.Header = http.Header{"Content-Type": {"application/json"}}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// Always is a transport that answers everything alike and sends nothing.
func Always(status int, text string) http.RoundTripper { return always{status, text} }

type always struct {
	status int
	text   string
}

// RoundTrip implements http.RoundTripper.
func (a always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(a.text)),
	}, nil
}

// ending is what came of a call.
type ending struct {
	Findings  []driver.Finding `json:"findings,omitempty"`
	First     []string         `json:"first,omitempty"`
	Unchanged []string         `json:"unchanged,omitempty"`
	Current   string           `json:"current"`
	Outcome   driver.Outcome   `json:"outcome,omitempty"`
	Waiting   string           `json:"waiting,omitempty"`
	Release   string           `json:"release,omitempty"`
	Errors    []driver.Problem `json:"errors,omitempty"`
	Effects   int              `json:"effects"`
}

// tell takes a call through the protocol, as the engine does, and says in one
// line what came of it.
func tell(ctx context.Context, p Platform, s *spoiler) (line string) {
	defer func() {
		if v := recover(); v != nil {
			line = fmt.Sprintf("panic: %v", v)
		}
	}()
	var end ending
	before := p.Effects()
	err := (&story{ctx, p, p.Open(s), &end}).run()
	end.Effects = p.Effects() - before
	if err != nil {
		return fmt.Sprintf("%s, after %s", err, text(end))
	}
	return text(end)
}

type story struct {
	ctx context.Context
	Platform
	driver driver.Driver
	end    *ending
}

func (s *story) run() error {
	change := s.Call.Changes[0]
	current, err := again(s, func() (driver.Release, error) { return stagetest.Current(s.ctx, s.driver, change.Target) })
	if err != nil {
		return fmt.Errorf("current: %w", err)
	}
	s.end.Current = current.ID
	prepared, err := again(s, func() (driver.Prepared, error) { return s.driver.Prepare(s.ctx, s.Call) })
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	s.end.Findings, s.end.First, s.end.Unchanged = prepared.Findings, prepared.First, prepared.Unchanged
	if len(prepared.Call.Changes) == 0 || slices.ContainsFunc(prepared.Findings, func(f driver.Finding) bool {
		return f.Severity == driver.Refuse || f.Severity == driver.Foreign
	}) {
		return nil
	}
	op, err := s.begin(prepared.Call)
	if err != nil {
		return err
	}
	return s.follow(prepared.Call, op)
}

// begin sends the effect; what got no answer is looked up.
func (s *story) begin(call driver.Call) (driver.Operation, error) {
	for range attempts {
		op, err := s.driver.Begin(s.ctx, call)
		switch {
		case err == nil:
			return op, nil
		case !s.mayPass(err):
			return op, fmt.Errorf("begin: %w", err)
		}
		verdict, op, err := s.lookup(call)
		if err != nil || verdict != driver.Absent {
			return op, err
		}
	}
	return driver.Operation{}, fmt.Errorf("begin: absent %d times", attempts)
}

// lookup finds out what became of the effect.
func (s *story) lookup(call driver.Call) (verdict driver.Verdict, op driver.Operation, err error) {
	for range mostPolls {
		op, err = again(s, func() (driver.Operation, error) {
			v, op, err := s.driver.Lookup(s.ctx, call)
			verdict = v
			return op, err
		})
		if err != nil {
			return verdict, op, fmt.Errorf("lookup: %w", err)
		}
		if verdict != driver.Undecided {
			return verdict, op, nil
		}
		s.Move()
	}
	return verdict, op, errors.New("lookup: never decided")
}

// follow polls until the operation is done or waits for a person.
func (s *story) follow(call driver.Call, op driver.Operation) error {
	name := call.Changes[0].Target.Name
	for range mostPolls {
		r := op.Results[name]
		s.end.Outcome, s.end.Waiting, s.end.Release, s.end.Errors = r.Outcome, r.Waiting, r.Release.ID, r.Errors
		if op.Finished() {
			s.end.Waiting = "" // for a command it depends on when it was looked
			return nil
		}
		if r.Waiting != "" {
			return nil
		}
		s.Move()
		op.Call = call
		next, err := again(s, func() (driver.Operation, error) {
			next, _, err := s.driver.Poll(s.ctx, op)
			return next, err
		})
		if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		op = next
	}
	return errors.New("never ends")
}

// mayPass reports whether a read is repeated after err, and an effect looked up.
func (s *story) mayPass(err error) bool {
	switch s.driver.Explain(err).Code {
	case driver.Retryable, driver.Lost, driver.Unknown:
		return true
	default:
		return false
	}
}

// again repeats a read while its answer was none.
func again[T any](s *story, read func() (T, error)) (v T, err error) {
	for range attempts {
		if v, err = read(); err == nil || !s.mayPass(err) {
			return v, err
		}
	}
	return v, err
}
