package artifact_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store"
	"sluice/internal/store/artifact"
)

// save saves data as the next generation of k, as the handle loads it.
func save(t *testing.T, s store.Store, k store.Key, data string) store.Entry {
	t.Helper()
	entries, err := s.Load(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return commit(t, s, entries[0], data)
}

// commit saves data on top of an entry that was loaded before.
func commit(t *testing.T, s store.Store, e store.Entry, data string) store.Entry {
	t.Helper()
	e.Generation++
	e.Data = []byte(data)
	saved, err := s.Commit(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return saved[0]
}

// TestRunsSideBySide: runs that save other entries lose nothing of each other; those
// that save the same are a conflict of that entry alone, until one of them counts.
func TestRunsSideBySide(t *testing.T) {
	w := newWorld()
	first := w.open(t, artifacttest.Run{ID: 1})
	base := save(t, first, web, `"base"`)
	save(t, first, api, `"base"`)
	a, b := w.open(t, artifacttest.Run{ID: 8}), w.open(t, artifacttest.Run{ID: 9})
	for _, s := range []store.Store{a, b} { // both read before either saves
		if _, err := s.Load(t.Context(), web, api); err != nil {
			t.Fatal(err)
		}
	}
	w.hide(9, func() { commit(t, a, base, `"a"`) })
	w.hide(8, func() {
		commit(t, b, base, `"b"`)
		save(t, b, store.Key{Pipeline: "storefront", Target: "new"}, `"b"`)
	})
	c := w.open(t, artifacttest.Run{ID: 10})
	_, err := c.Load(t.Context(), api, web)
	if !store.IsConflict(err) || strings.Contains(err.Error(), "storefront/api") {
		t.Fatalf("error %v, want a conflict of web alone", err)
	}
	for _, want := range []string{"run 8", "run 9", "state accept 8", "state accept 9", "concurrency group"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("conflict %q lacks %q", err, want)
		}
	}
	save(t, c, api, `"c"`) // the others go on, and the conflict stays
	if _, err := w.open(t, artifacttest.Run{ID: 11}).Load(t.Context(), web); !store.IsConflict(err) {
		t.Fatalf("after another save: %v", err)
	}
	if _, err := artifact.Accept(t.Context(), w.options(t, artifacttest.Run{ID: 12}), "storefront", "10", "why"); err == nil {
		t.Error("a run that did not save it was accepted")
	}
	done, err := artifact.Accept(t.Context(), w.options(t, artifacttest.Run{ID: 12}), "storefront", "9", "b was right")
	if err != nil || !slices.Equal(done.Entries, []store.Key{web}) {
		t.Fatalf("%+v, %v", done, err)
	}
	entries, err := w.open(t, artifacttest.Run{ID: 13}).Load(t.Context(), web, api, store.Key{Pipeline: "storefront", Target: "new"})
	if err != nil || string(entries[0].Data) != `"b"` || string(entries[1].Data) != `"c"` || string(entries[2].Data) != `"b"` {
		t.Errorf("%+v, %v", entries, err)
	}
}

// hide has a run's artifacts missing in the repository's lists meanwhile.
func (w *world) hide(run int64, do func()) {
	w.Hidden = run
	do()
	w.Hidden = 0
}

// TestRemovedSideBySide: what one run removed stays removed, though another saved
// side by side; what was removed by nobody stays.
func TestRemovedSideBySide(t *testing.T) {
	w := newWorld()
	first := w.open(t, artifacttest.Run{ID: 1})
	gone := save(t, first, web, `"gone"`)
	base := save(t, first, api, `"base"`)
	a, b := w.open(t, artifacttest.Run{ID: 8}), w.open(t, artifacttest.Run{ID: 9})
	for _, s := range []store.Store{a, b} {
		if _, err := s.Load(t.Context(), web, api); err != nil {
			t.Fatal(err)
		}
	}
	w.hide(9, func() {
		gone.Generation, gone.Data = gone.Generation+1, nil
		if _, err := a.Commit(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	})
	w.hide(8, func() { commit(t, b, base, `"b"`) })
	entries, err := w.open(t, artifacttest.Run{ID: 10}).Load(t.Context(), web, api)
	if err != nil || entries[0].Version != "" || string(entries[1].Data) != `"b"` {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestLongLineage: of hundreds of saves the newest is read with one download, and
// what is older than all that it names is not taken for another's.
func TestLongLineage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		save(t, w.open(t, artifacttest.Run{ID: 1}), api, `"old"`)
		time.Sleep(48 * time.Hour)
		s := w.open(t, artifacttest.Run{ID: 2})
		for n := range 300 {
			save(t, s, web, fmt.Sprint(n))
		}
		before := len(w.Requests())
		entries, err := w.open(t, artifacttest.Run{ID: 3}).Load(t.Context(), web, api)
		if err != nil || string(entries[0].Data) != "299" || string(entries[1].Data) != `"old"` {
			t.Fatalf("%+v, %v", entries, err)
		}
		downloads := 0
		for _, r := range w.Requests()[before:] {
			if r == "GET zip" {
				downloads++
			}
		}
		if downloads != 1 {
			t.Errorf("%d downloads", downloads)
		}
	})
}

// TestJobsOfAMatrix save side by side under names of their own. Whoever comes after
// them finds all, whether or not anything joined them, and joins what they share.
func TestJobsOfAMatrix(t *testing.T) {
	const shards = 6
	w := newWorld()
	w.join = func(_ store.Key, a, b, _ []byte) ([]byte, bool) {
		var x, y []int
		if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
			return nil, false
		}
		both := slices.Compact(slices.Sorted(slices.Values(append(x, y...))))
		text, err := json.Marshal(both)
		return text, err == nil
	}
	save(t, w.open(t, artifacttest.Run{ID: 1}), api, `"base"`)
	shared := store.Key{Pipeline: "storefront", Kind: store.KindPromotion, Target: "p"}
	var all sync.WaitGroup
	for i := range shards {
		w.shard = fmt.Sprintf("%d/%d", i+1, shards)
		s := w.open(t, artifacttest.Run{ID: 7, Job: fmt.Sprintf("shard%d", i)})
		all.Go(func() {
			own := store.Key{Pipeline: "storefront", Target: fmt.Sprintf("t-%d", i)}
			entries, err := s.Load(t.Context(), own, shared)
			for n := 0; n < 3 && err == nil; n++ {
				entries[0].Generation, entries[0].Data = entries[0].Generation+1, fmt.Append(nil, n)
				entries[1].Generation, entries[1].Data = entries[1].Generation+1, fmt.Appendf(nil, "[%d]", i)
				entries, err = s.Commit(t.Context(), entries...)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.shard = ""
	for name, run := range map[string]artifacttest.Run{"the same run": {ID: 7, Job: "collect"}, "another": {ID: 8}} {
		s := w.open(t, run)
		keys, err := s.List(t.Context(), "storefront", store.KindTarget)
		if err != nil || len(keys) != shards+1 {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
		entries, err := s.Load(t.Context(), shared)
		if err != nil || string(entries[0].Data) != "[0,1,2,3,4,5]" {
			t.Errorf("%s: %+v, %v", name, entries, err)
		}
	}
	s := w.open(t, artifacttest.Run{ID: 8})
	save(t, s, shared, "[9]")
	entries, err := w.open(t, artifacttest.Run{ID: 9}).Load(t.Context(), shared, store.Key{Pipeline: "storefront", Target: "t-5"})
	if err != nil || string(entries[0].Data) != "[9]" || string(entries[1].Data) != "2" {
		t.Errorf("joined: %+v, %v", entries, err)
	}
}

// TestJobsOneAfterTheOther of one run go on from each other, in as many as there are,
// and each leaves one artifact.
func TestJobsOneAfterTheOther(t *testing.T) {
	w := newWorld()
	for n := range 10 {
		s := w.open(t, artifacttest.Run{ID: 7, Job: fmt.Sprintf("job%d", n)})
		for range 3 {
			save(t, s, web, fmt.Sprint(n))
		}
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 7, Job: "last"})); got != 30 || len(w.Live()) != 1 {
		t.Errorf("generation %d, live %q", got, w.Live())
	}
}

// TestAttempts of one run find what those before saved, though the service keeps
// their artifacts apart; so does a list that comes late.
func TestAttempts(t *testing.T) {
	w := newWorld()
	for attempt := range 7 {
		s := w.open(t, artifacttest.Run{ID: 7, Attempt: attempt + 1})
		if got := save(t, s, web, "{}").Generation; got != int64(attempt+1) {
			t.Errorf("attempt %d saved generation %d", attempt+1, got)
		}
	}
}

// TestManyArtifacts: in a repository with 50,000 a load lists four names, and a job
// that saves 200 times creates no more than that.
func TestManyArtifacts(t *testing.T) {
	w := newWorld()
	w.Meter.Enforce = true
	w.Crowd(50_000)
	o := w.options(t, artifacttest.Run{ID: 7})
	o.Fresh = time.Hour
	s := artifact.Open(o)
	for n := range 200 {
		save(t, s, web, fmt.Sprint(n))
	}
	if n := w.Meter.Total(); n > 10 {
		t.Errorf("%d requests of the REST API: %v", n, w.Meter.Counts())
	}
	if n := len(w.Artifacts()) - 50_000; n != 200 {
		t.Errorf("%d artifacts", n)
	}
	w.Meter.Reset()
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 200 {
		t.Errorf("generation %d", got)
	}
	if lists := w.Meter.Counts()["GET artifacts"]; lists > 6 {
		t.Errorf("%d lists", lists)
	}
}

// TestForksCannotHide the state behind more artifacts of its name than a page has.
func TestForksCannotHide(t *testing.T) {
	w := newWorld()
	put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	name := w.newest(t).Name
	for n := range 250 {
		w.Put(artifacttest.Run{ID: int64(1000 + n), HeadRepositoryID: 666}, name, []byte("x"))
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 1 {
		t.Errorf("generation %d", got)
	}
}

// TestNoArtifactService: what is missing is told as what it is, with the stores that
// work there.
func TestNoArtifactService(t *testing.T) {
	for name, c := range map[string]struct {
		server string
		runs   func(*world, artifact.Options) artifact.Options
		want   []string
		not    string
	}{
		"a run step": {"https://github.com", func(_ *world, o artifact.Options) artifact.Options {
			o.Runs = func() (*protocol.Client, error) { return nil, protocol.ErrUnavailable }
			return o
		}, []string{"run steps do not", "use sluice as an action", "git"}, "run the job again"},
		"GitHub Enterprise Server": {"https://github.acme.example", func(w *world, o artifact.Options) artifact.Options {
			w.Fault = func(*http.Request) (int, string) { return 404, "404 page not found" }
			return o
		}, []string{"GitHub Enterprise Server and Gitea", "state: {store: git}", "s3://"}, "run the job again"},
		"Gitea, without a list": {"https://gitea.example", func(w *world, o artifact.Options) artifact.Options {
			w.Fault = func(r *http.Request) (int, string) {
				if strings.HasPrefix(r.URL.Path, "/repos/") {
					return 404, `{"message":"not found"}`
				}
				return 0, ""
			}
			return o
		}, []string{"GitHub Enterprise Server and Gitea", "state: {store: git}"}, "permissions"},
	} {
		w := newWorld()
		o := w.options(t, artifacttest.Run{ID: 7})
		o.Run.ServerURL = c.server
		_, err := artifact.Open(c.runs(w, o)).Load(t.Context(), web)
		for _, want := range c.want {
			if !store.IsUnreadable(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v lacks %q", name, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: error %q says %q", name, err, c.not)
		}
	}
}

// TestOutsideOfARun state is read by the REST API alone, and not changed.
func TestOutsideOfARun(t *testing.T) {
	w := newWorld()
	put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	o := w.options(t, artifacttest.Run{ID: 8})
	o.Run = actions.Context{Repository: artifacttest.Repository}
	o.Runs = func() (*protocol.Client, error) { return nil, protocol.ErrUnavailable }
	s := artifact.Open(o)
	if got := generation(t, s); got != 1 {
		t.Errorf("generation %d", got)
	}
	if _, err := s.Commit(t.Context(), store.Entry{Key: api, Generation: 1, Data: []byte("{}")}); !store.IsUnreadable(err) {
		t.Errorf("saved outside of a run: %v", err)
	}
}

// TestRateLimits: what GitHub refuses for its rate is told as that, with the time.
func TestRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
		until := time.Now().Add(30 * time.Minute)
		w.Meter.Refuse = func(*http.Request) time.Duration { return time.Until(until) }
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		s := w.open(t, artifacttest.Run{ID: 8})
		_, err := s.Load(ctx, web)
		back, busy := store.IsBusy(err)
		if !busy || store.IsUnreadable(err) || back.Sub(until).Abs() > 2*time.Second {
			t.Fatalf("%v until %s", err, back)
		}
		time.Sleep(time.Until(back))
		w.Meter.Refuse = nil
		if got := generation(t, s); got != 1 {
			t.Errorf("generation %d", got)
		}
	})
}

// words joins contents that are lists of words: those that b has and base lacks are
// added to a, where b lacks none of base's and adds words alone.
func words(_ store.Key, a, b, base []byte) ([]byte, bool) {
	var mine, theirs, was []string
	if base == nil || json.Unmarshal(a, &mine) != nil || json.Unmarshal(b, &theirs) != nil || json.Unmarshal(base, &was) != nil {
		return nil, false
	}
	for _, w := range was {
		if !slices.Contains(theirs, w) {
			return nil, false
		}
	}
	for _, w := range theirs {
		if !slices.Contains(was, w) && !slices.Contains(mine, w) {
			mine = append(mine, w)
		}
	}
	text, err := json.Marshal(mine)
	return text, err == nil
}

// TestSaidBeside: what a run said beside another's work on the same entry is taken
// over where the two meet; only where both did more they are a conflict.
func TestSaidBeside(t *testing.T) {
	for name, c := range map[string]struct {
		holder []string // what it saves, one after the other
		beside []string
		want   string // "" is a conflict
	}{
		"one word":           {[]string{`["x"]`}, []string{`["a","lock"]`}, `["x","lock"]`},
		"several, each way":  {[]string{`["x"]`, `["y"]`}, []string{`["a","lock"]`, `["a","lock","why"]`}, `["y","lock","why"]`},
		"both beside":        {[]string{`["a","b"]`}, []string{`["a","c"]`}, ""}, // in either order: see below
		"both did more":      {[]string{`["x"]`}, []string{`["y"]`}, ""},
		"more, then a word":  {[]string{`["x"]`}, []string{`["y"]`, `["y","lock"]`}, ""},
		"a word, then more":  {[]string{`["x"]`}, []string{`["a","lock"]`, `["lock"]`}, ""},
		"more than is known": {[]string{`["x"]`}, []string{`["a","1"]`, `["a","1","2"]`, `["a","1","2","3"]`, `["a","1","2","3","4"]`, `["a","1","2","3","4","5"]`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.join = words
			base := save(t, w.open(t, artifacttest.Run{ID: 1}), web, `["a"]`)
			a, b := w.open(t, artifacttest.Run{ID: 8}), w.open(t, artifacttest.Run{ID: 9})
			for _, s := range []store.Store{a, b} {
				if _, err := s.Load(t.Context(), web); err != nil {
					t.Fatal(err)
				}
			}
			w.hide(9, func() { saveAll(t, a, base, c.holder) })
			w.hide(8, func() { saveAll(t, b, base, c.beside) })
			entries, err := w.open(t, artifacttest.Run{ID: 10}).Load(t.Context(), web)
			switch {
			case name == "both beside":
				if err != nil || !slices.Contains([]string{`["a","b","c"]`, `["a","c","b"]`}, string(entries[0].Data)) {
					t.Errorf("%+v, %v", entries, err)
				}
			case c.want == "":
				if !store.IsConflict(err) {
					t.Errorf("%+v, %v; want a conflict", entries, err)
				}
			case err != nil || string(entries[0].Data) != c.want:
				t.Errorf("%+v, %v; want %s", entries, err, c.want)
			}
			if err != nil {
				return
			}
			save(t, w.open(t, artifacttest.Run{ID: 11}), web, `["after"]`)
			if entries, err := w.open(t, artifacttest.Run{ID: 12}).Load(t.Context(), web); err != nil || string(entries[0].Data) != `["after"]` {
				t.Errorf("gone on from: %+v, %v", entries, err)
			}
		})
	}
}

func saveAll(t *testing.T, s store.Store, e store.Entry, data []string) {
	t.Helper()
	for _, d := range data {
		e = commit(t, s, e, d)
	}
}

// TestMatrixIsPinnedAndGathered: where a plan names the run, its jobs save under their
// own names alone; whoever gathers what they saved leaves it under a fixed name, where
// it is found without their run's list.
func TestMatrixIsPinnedAndGathered(t *testing.T) {
	const shards = 8
	w := newWorld()
	plan := w.options(t, artifacttest.Run{ID: 7, Job: "plan"})
	for range 2 { // once is enough
		if err := artifact.Pin(t.Context(), plan, "storefront"); err != nil {
			t.Fatal(err)
		}
	}
	if live := w.Live(); len(live) != 1 {
		t.Fatalf("the plan saved %q", live)
	}
	var all sync.WaitGroup
	for i := range shards {
		w.shard = fmt.Sprintf("%d/%d", i+1, shards)
		s := w.open(t, artifacttest.Run{ID: 7, Job: fmt.Sprintf("shard%d", i)})
		all.Go(func() { save(t, s, store.Key{Pipeline: "storefront", Target: fmt.Sprintf("t-%d", i)}, "{}") })
	}
	all.Wait()
	w.shard = ""
	fixed := func() int {
		n := 0
		for _, a := range w.Artifacts() {
			if a.Finalised && !strings.Contains(a.Name, "-of-") {
				n++
			}
		}
		return n
	}
	if n := fixed(); n != 1 {
		t.Errorf("%d snapshots under the fixed names, want the plan's alone", n)
	}
	collect := w.options(t, artifacttest.Run{ID: 7, Job: "collect"})
	for i, want := range []bool{true, false} { // the second time there is nothing to gather
		name, err := artifact.Gather(t.Context(), collect, "storefront")
		if err != nil || (name != "") != want || fixed() != 2 {
			t.Fatalf("gathered %d: %q, %v, %d under the fixed names", i, name, err, fixed())
		}
	}
	for _, a := range w.Artifacts() { // nobody looks at the run's own list any more
		if strings.Contains(a.Name, "-of-") {
			w.Edit(a.Name, func(a *artifacttest.Artifact) { a.Deleted = true })
		}
	}
	keys, err := w.open(t, artifacttest.Run{ID: 8}).List(t.Context(), "storefront", store.KindTarget)
	if err != nil || len(keys) != shards {
		t.Errorf("%v, %v", keys, err)
	}
}

// TestNothingToGather: without a matrix nothing is saved, and a run that may not change
// the state pins nothing.
func TestNothingToGather(t *testing.T) {
	w := newWorld()
	save(t, w.open(t, artifacttest.Run{ID: 1}), web, "{}")
	if name, err := artifact.Gather(t.Context(), w.options(t, artifacttest.Run{ID: 2}), "storefront"); name != "" || err != nil {
		t.Errorf("gathered %q, %v", name, err)
	}
	if err := artifact.Pin(t.Context(), w.options(t, artifacttest.Run{ID: 3, Branch: "feature"}), "storefront"); err != nil {
		t.Error(err)
	}
	if live := w.Live(); len(live) != 1 {
		t.Errorf("saved %q", live)
	}
}
