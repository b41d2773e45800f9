package stagetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// asked is one request of a clean run: the nth of its method and path in its phase.
type asked struct {
	method, path string
	nth          int
	phase        string // what was being done: "prepare", "begin", …
	effect       bool   // it changed something
	answer       []byte // the honest one
}

// String names the request in the table.
func (a asked) String() string {
	text := a.phase + ": " + a.method + " " + a.path
	if a.nth > 1 {
		text += fmt.Sprintf(" (%d)", a.nth)
	}
	return text
}

func (a asked) key() string { return a.method + " " + a.path }

// inPhase tells requests apart that are counted by themselves: those of a phase.
func (a asked) inPhase() string { return a.phase + " " + a.key() }

// spoiler stands between a driver and its platform. It records what is asked,
// and gives one request, or everything from it on, a bad answer.
type spoiler struct {
	base    http.RoundTripper
	effects func() int

	at     *asked // nil spoils nothing
	answer badAnswer
	mode
	changes map[string]bool

	mu        sync.Mutex
	phase     string
	counts    map[string]int
	record    []asked
	spoiled   int
	sent      int      // requests that would change something
	elsewhere []string // requests to another host than the platform's
	host      string
}

func newSpoiler(b *rig) *spoiler {
	base := b.Inside
	if base == nil {
		// A connection that is kept would block the test's clock: see play.
		base = &http.Transport{DisableKeepAlives: true}
	}
	return &spoiler{base: base, effects: b.Effects, counts: map[string]int{}, changes: map[string]bool{}}
}

// enter says what is being done from now on.
func (s *spoiler) enter(phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase = phase
}

// RoundTrip passes a request on, or gives it its bad answer.
func (s *spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	a, bad, outside := s.take(r)
	if outside {
		return respond(http.StatusOK, strings.NewReader("{}")), nil
	}
	if !bad {
		return s.honest(r, a)
	}
	if s.isChange(a) && !s.arrives {
		return s.answer.make(r, s.template(a))
	}
	resp, err := s.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close() //nolint:errcheck // it was read
	if err != nil {
		return nil, err
	}
	return s.answer.make(r, body)
}

// take counts a request and says whether it is spoiled.
func (s *spoiler) take(r *http.Request) (a asked, bad, outside bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = asked{method: r.Method, path: pathOf(r), phase: s.phase}
	if s.host == "" {
		s.host = r.URL.Host
	}
	if r.URL.Host != s.host {
		s.elsewhere = append(s.elsewhere, r.Method+" "+r.URL.Redacted())
		return a, false, true
	}
	s.counts[a.inPhase()]++
	a.nth = s.counts[a.inPhase()]
	if s.changes[a.key()] {
		s.sent++
	}
	switch {
	case s.at == nil:
	case a.inPhase() == s.at.inPhase() && a.nth == s.at.nth, s.lasting && s.spoiled > 0:
		s.spoiled++
		bad = true
	}
	return a, bad, false
}

// pathOf is what a request is about. An API of procedures has one path for all of
// them, and names the one that is called in a header.
func pathOf(r *http.Request) string {
	called := r.Header.Get("X-Amz-Target")
	return r.URL.Path + called[strings.LastIndex(called, ".")+1:]
}

// honest passes a request on and records it.
func (s *spoiler) honest(r *http.Request, a asked) (*http.Response, error) {
	if s.at != nil {
		return s.base.RoundTrip(r)
	}
	before := s.effects()
	resp, err := s.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.answer, err = io.ReadAll(resp.Body)
	resp.Body.Close() //nolint:errcheck // it was read
	resp.Body = io.NopCloser(bytes.NewReader(a.answer))
	a.effect = r.Method != http.MethodGet && s.effects() > before
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = append(s.record, a)
	return resp, err
}

// isChange reports whether the clean run's request of that name changed something.
func (s *spoiler) isChange(a asked) bool { return s.changes[a.key()] }

// template is the honest answer to a request that does not arrive.
func (s *spoiler) template(a asked) []byte {
	if a.key() == s.at.key() {
		return s.at.answer
	}
	return []byte("{}")
}
