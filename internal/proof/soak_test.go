package proof_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/rollout"
)

// TestSoak: people and automation promote, approve, reject, advance, roll back, lock,
// unlock, cancel, abandon, skip and reconcile at once and at random, and die at random,
// over one store and one platform; after each step nothing is broken that must never be. SOAK says for
// how long; a fault names its seed.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), "2s"))
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	chance := rand.New(rand.NewPCG(seed(t), 2))
	for _, store := range stores {
		platforms := facts()
		platform := platforms[chance.IntN(len(platforms))].Platform
		own := rand.New(rand.NewPCG(chance.Uint64(), 0))
		t.Run(store+"/"+platform, func(t *testing.T) {
			t.Parallel()
			newSoak(t, own, store, platform).last(t, long, own)
		})
	}
}

// crowd is how many processes work at once; over a store that cannot swap it is
// one at a time, as its promise needs a concurrency group.
const crowd = 3

// soak is a world with a crowd in it, and what was seen of each.
type soak struct {
	*world
	alone *sync.Mutex // the concurrency group; nil where the store can swap

	reading sync.Mutex // one reads the records at a time, so that generations rise

	mu          sync.Mutex
	moves       []move
	releases    []time.Time // when there was something newer
	generations map[string]int64
	known       []string            // releases that the records name
	waiting     map[string][]string // promotions that wait for approval, by target
	steps       int
	deaths      int
	codes       map[int]int
}

// life is one process, from its start to its end.
type life struct {
	step         step
	began, ended time.Time
	code         int
}

// move is a request that changed something at a platform.
type move struct {
	by      *life
	at      time.Time
	targets []string
	kind    string
	request string // with its body
}

func newSoak(t *testing.T, chance *rand.Rand, store, platform string) *soak {
	t.Helper()
	s := scenario{targets: 3}
	if chance.IntN(2) == 0 {
		s.stage = "    approval: {required: true, approvers: [octocat]}\n"
	}
	for _, f := range facts() {
		if f.Platform == platform && f.Supports("weight") {
			s.target = ", strategy: {canary: {percentages: [10], wait: 20s, disable: true}}"
		}
	}
	made := &soak{world: newWorld(t, store, s.pipelineOf(platform), quick), generations: map[string]int64{}, codes: map[int]int{}, waiting: map[string][]string{}}
	if store == "artifact" {
		made.alone = &sync.Mutex{}
	}
	return made
}

// last goes on for as long as it is told, and then looks at all of it.
func (s *soak) last(t *testing.T, long time.Duration, own *rand.Rand) {
	end := time.Now().Add(long)
	var workers sync.WaitGroup
	worlds := slices.Repeat([]world{*s.world}, crowd) // before anybody changes it
	for i := range worlds {
		chance := rand.New(rand.NewPCG(own.Uint64(), 0))
		mine := &worlds[i]
		mine.passage = &passage{at: never}
		mine.env = mine.through(t, mine.passage)
		workers.Go(func() {
			for n := 0; time.Now().Before(end) && !t.Failed(); n++ {
				s.step(t, mine, chance, int64(1000*(i+1)+n))
			}
		})
	}
	workers.Wait()
	s.open(t)
	s.settle(t, mostRounds+2*len(s.releases)) // whatever came may be queued, each behind the one before
	for _, what := range s.contradictions(t) {
		t.Error(what)
	}
	t.Logf("%d steps, of which %d died; exit codes %v; %d changes at the platform", s.steps, s.deaths, s.codes, len(s.moves))
}

// open takes away whatever people put in the way: exit 4 where there is nothing.
func (s *soak) open(t *testing.T) {
	run := int64(80)
	give := func(args ...string) {
		run++
		s.here(t, step{"anna", run, append(args, "--reason", "the end")})
	}
	give("unlock", "--stage", "production")
	give("unblock", "--stage", "production")
	for _, release := range s.known {
		give("unabandon", "--release", release)
	}
}

// step has one process do something, and looks at what may not be.
func (s *soak) step(t *testing.T, mine *world, chance *rand.Rand, run int64) {
	if s.alone != nil {
		s.alone.Lock()
		defer s.alone.Unlock()
	}
	if chance.IntN(12) == 0 { // seldom enough that what was promoted is not always old
		s.release()
	}
	l := &life{step: anything(chance, run, s.releasesKnown(), s.approval(run)), began: time.Now()}
	mine.passage.moves = func(r *http.Request) func() { return s.moving(l, r) }
	at := never
	if chance.IntN(2) == 0 {
		at = chance.IntN(40)
	}
	got := mine.run(t, l.step, at)
	l.ended, l.code = time.Now(), got.code
	s.mu.Lock()
	s.steps++
	s.codes[got.code]++
	if got.code < 0 {
		s.deaths++
	}
	s.mu.Unlock()
	for _, broken := range slices.Concat(agrees(l, got), s.state(mine, t), s.story()) {
		t.Errorf("%s: %s\n%s", l.step, broken, got)
	}
}

// release makes something newer to promote, where the sandbox knows how.
func (s *soak) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.platforms.Intrude("source") == nil {
		s.releases, s.moved = append(s.releases, time.Now()), true
	}
}

// released reports whether there was something newer between two moments: on a
// platform that promotes what the source runs, two equal requests are then two
// releases.
func (s *soak) released(from, to time.Time) bool {
	return slices.ContainsFunc(s.releases, func(at time.Time) bool { return at.After(from) && at.Before(to) })
}

// releasesKnown are those that the records name; a word that names none where there are
// none.
func (s *soak) releasesKnown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) == 0 {
		return []string{"none"}
	}
	return slices.Clone(s.known)
}

// approval is what an approver says: of several promotions that wait, one is named.
func (s *soak) approval(run int64) step {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, promotions := range s.waiting {
		if len(promotions) > 0 {
			return step{"octocat", run, []string{"approve", "--promotion", promotions[0]}}
		}
	}
	return approve(run)
}

// anything is a command line that somebody may think of.
func anything(chance *rand.Rand, run int64, releases []string, approval step) step {
	target, release := fmt.Sprintf("t%d", 1+chance.IntN(3)), releases[chance.IntN(len(releases))]
	lines := []step{
		promote(run), promote(run), promote(run), promote(run),
		approve(run), approval, approval, approval,
		{"anna", run, []string{"rollback", "--stage", "production", "--reason", "it is slow"}},
		{"anna", run, []string{"rollback", "--target", target, "--reason", "it is slow"}},
		{"anna", run, []string{"unblock", "--stage", "production", "--reason", "it is mended"}},
		{"anna", run, []string{"unblock", "--stage", "production", "--reason", "it is mended"}},
		{"anna", run, []string{"lock", "--target", target, "--reason", "a look"}},
		{"anna", run, []string{"unlock", "--stage", "production", "--reason", "looked"}},
		{"anna", run, []string{"unlock", "--target", target, "--reason", "looked"}},
		{"anna", run, []string{"cancel", "--target", target}},
		{"octocat", run, []string{"reject", "--target", target, "--comment", "not today"}},
		{"anna", run, []string{"advance", "--target", target}},
		{"anna", run, []string{"retry-job", "--target", target}},
		{"anna", run, []string{"ignore-job", "--target", target}},
		{"anna", run, []string{"disable-canary", "--target", target, "--reason", "away with it"}},
		{"anna", run, []string{"promote-canary", "--target", target}},
		{"anna", run, []string{"abandon", "--release", release, "--target", target, "--reason", "it leaks"}},
		{"anna", run, []string{"unabandon", "--release", release, "--reason", "it does not"}},
		{"anna", run, []string{"unabandon", "--release", release, "--reason", "it does not"}},
		{"anna", run, []string{"skip", "--target", target, "--reason", "its region is down"}},
		{"octocat", run, []string{"status"}},
		{"github-actions[bot]", run, []string{"reconcile"}},
		{"github-actions[bot]", run, []string{"reconcile"}},
	}
	s := lines[chance.IntN(len(lines))]
	s.args = append(s.args, "--output", "json", "--inline-wait", "30s", "--lease-wait", "30s")
	return s
}

// moving notes a change at the platform, and what it was once it is served.
func (s *soak) moving(l *life, r *http.Request) func() {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return func() {}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	at := time.Now()
	return func() {
		for _, served := range slices.Backward(s.platforms.Requests()) {
			if served.Method != r.Method || served.Path != r.URL.EscapedPath() || served.Query != r.URL.RawQuery || served.Body != string(body) {
				continue
			}
			if served.Action.Kind == "read" || served.Status > 299 {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.moves = append(s.moves, move{l, at, served.Action.Targets, served.Action.Kind, served.Method + " " + served.Path + "?" + served.Query + " " + served.Body})
			return
		}
	}
}

// agrees holds an exit code against the document that came with it.
func agrees(l *life, got outcome) []string {
	if got.code < 0 {
		return nil
	}
	var doc struct {
		Status   string
		ExitCode int
		Targets  []struct{ Target, Status string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
		return []string{fmt.Sprintf("no document: %v", err)}
	}
	may := map[string][]int{
		"succeeded": {0}, "unchanged": {0}, "pending": {0, 4}, "failed": {1, 4}, "refused": {4}, "conflict": {5}, "": {0},
		"error": {6}, // in fast time a save may take as long as a lease lasts, and then no more is begun
	}
	var found []string
	if codes, known := may[doc.Status]; !known || !slices.Contains(codes, got.code) || doc.ExitCode != got.code {
		found = append(found, fmt.Sprintf("exit %d with status %q and exitCode %d", got.code, doc.Status, doc.ExitCode))
	}
	for _, target := range doc.Targets {
		// What a person ends on purpose is failed, and the command has succeeded.
		if l.step.args[0] == "promote" && doc.Status == "succeeded" && target.Status != "succeeded" {
			found = append(found, fmt.Sprintf("succeeded, and %s is %s", target.Target, target.Status))
		}
	}
	return found
}

// state reads the records: they can be read, and their generations rise.
func (s *soak) state(mine *world, t *testing.T) []string {
	s.reading.Lock() // not mu: it waits for what a process that was killed had sent, and who notes that takes mu
	defer s.reading.Unlock()
	got := mine.here(t, step{"octocat", 99, []string{"state", "show", "--output", "json"}})
	s.mu.Lock()
	defer s.mu.Unlock()
	var doc struct {
		Records []json.RawMessage
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); got.code != 0 || err != nil {
		return []string{fmt.Sprintf("the state cannot be read: %v: %s", err, got)}
	}
	var found []string
	for _, text := range doc.Records {
		r, err := rollout.Decode[rollout.Record](text)
		if err != nil {
			return append(found, fmt.Sprintf("a record cannot be read: %v", err))
		}
		if r.Generation < s.generations[r.Target] {
			found = append(found, fmt.Sprintf("%s went from generation %d back to %d", r.Target, s.generations[r.Target], r.Generation))
		}
		s.generations[r.Target] = r.Generation
		s.know(r)
	}
	return found
}

// know notes what a record names: releases, and promotions that wait for approval.
func (s *soak) know(r rollout.Record) {
	s.waiting[r.Target] = nil
	for _, x := range r.Rollouts {
		if x.Rollout.State == rollout.StatePendingApproval {
			s.waiting[r.Target] = append(s.waiting[r.Target], x.Spec.Promotion)
		}
		if id := x.Spec.Release.ID; id != "" && !slices.Contains(s.known, id) {
			s.known = append(s.known, id)
		}
	}
}

// story looks at what was changed at the platform, target by target: nothing
// twice in a row, by no two processes in turns, and nothing forward by a process
// that was older than a rollback which is done.
func (s *soak) story() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	byTarget := map[string][]move{}
	for _, m := range s.moves {
		for _, target := range m.targets {
			byTarget[target] = append(byTarget[target], m)
		}
	}
	var found []string
	for target, moves := range byTarget {
		slices.SortStableFunc(moves, func(a, b move) int { return a.at.Compare(b.at) })
		for i := 1; i < len(moves); i++ {
			before, m := moves[i-1], moves[i]
			if before.request == m.request && !s.released(before.at, m.at) {
				found = append(found, fmt.Sprintf("%s twice in a row: %s by %s, then by %s", target, m.request, before.by.step, m.by.step))
			}
			if before.by != m.by && slices.ContainsFunc(moves[:i-1], func(o move) bool { return o.by == m.by }) {
				found = append(found, fmt.Sprintf("%s was changed by %s while %s was at work on it", target, before.by.step, m.by.step))
			}
			if before.by.back() && !m.by.back() && before.by.code == 0 && !before.by.ended.IsZero() && m.at.After(before.by.ended) && m.by.began.Before(before.by.began) {
				found = append(found, fmt.Sprintf("%s went forward by %s after %s", target, m.by.step, before.by.step))
			}
		}
	}
	return found
}

// back reports whether a process went back.
func (l *life) back() bool { return strings.HasPrefix(l.step.args[0], "rollback") }
