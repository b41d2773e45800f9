package artifact_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store"
	"sluice/internal/store/artifact"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

var (
	web    = store.Key{Pipeline: "storefront", Target: "web"}
	api    = store.Key{Pipeline: "storefront", Target: "api"}
	limits = protocol.Limits{Entries: 1, Size: 160 << 20, Ratio: 200}
)

// world is the stand-in with what a run's store warned of.
type world struct {
	*artifacttest.Server
	warnings []string
	refs     actions.Refs
	join     store.Join
	shard    string
}

func newWorld() *world { return &world{Server: artifacttest.New()} }

// open is the store as a step of run has it.
func (w *world) open(t *testing.T, run artifacttest.Run) store.Store {
	t.Helper()
	return artifact.Open(w.options(t, run))
}

func (w *world) options(t *testing.T, run artifacttest.Run) artifact.Options {
	t.Helper()
	getenv := w.Getenv(run)
	current, err := actions.New(getenv, t.Output()).Context()
	if err != nil {
		t.Fatal(err)
	}
	return artifact.Options{
		Run: current, Refs: w.refs, Join: w.join, Shard: w.shard, Clock: work.Clock{Now: w.Now}, Fresh: time.Nanosecond, Pace: store.NewPace(work.Clock{}), Wait: 20 * time.Millisecond,
		Warn: func(message string) { w.warnings = append(w.warnings, message) },
		Runs: func() (*protocol.Client, error) {
			return protocol.New(protocol.Config{
				ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: getenv("ACTIONS_RUNTIME_TOKEN"),
				Act: w.Act, Transport: w.Transport(), Wait: time.Microsecond,
			})
		},
		GitHub: func() (*actions.Client, error) {
			return actions.NewClient(actions.ClientConfig{
				APIURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: getenv("GITHUB_TOKEN"),
				Transport: w.Transport(), Wait: time.Microsecond,
			})
		},
	}
}

// newest is the newest live artifact of the pipeline.
func (w *world) newest(t *testing.T) artifacttest.Artifact {
	t.Helper()
	var best artifacttest.Artifact
	for _, a := range w.Artifacts() {
		if strings.HasPrefix(a.Name, "sluice-state."+web.Pipeline+".") && a.Finalised && !a.Deleted && a.ID > best.ID {
			best = a
		}
	}
	if best.Name == "" {
		t.Fatal("no artifact")
	}
	return best
}

// rewrite changes the snapshot in an artifact, whose own digest is kept right.
func (w *world) rewrite(t *testing.T, wanted artifacttest.Artifact, edit func([]byte) []byte) {
	t.Helper()
	w.edit(wanted, func(a *artifacttest.Artifact) {
		files, err := protocol.Unpack(a.Zip, limits)
		if err != nil {
			t.Fatal(err)
		}
		if a.Zip, err = protocol.Pack("state.json", edit(files["state.json"]), limits); err != nil {
			t.Fatal(err)
		}
		a.Digest = store.Sum(a.Zip)
	})
}

// edit changes one artifact behind everybody's back.
func (w *world) edit(wanted artifacttest.Artifact, change func(*artifacttest.Artifact)) {
	w.Edit(wanted.Name, func(a *artifacttest.Artifact) {
		if a.ID == wanted.ID {
			change(a)
		}
	})
}

func (w *world) harness(open func(t *testing.T) store.Store) storetest.Harness {
	break1 := func(status int, body string) func(*testing.T) func() {
		return func(*testing.T) func() {
			w.Fault = func(*http.Request) (int, string) { return status, body }
			return func() { w.Fault = nil }
		}
	}
	return storetest.Harness{
		Open:     open,
		Writes:   w.Writes,
		Requests: func() int { return len(w.Requests()) },
		Crowd:    w.Crowd,
		Corrupt: func(t *testing.T, _ store.Key, edit func([]byte) []byte) {
			w.rewrite(t, w.newest(t), func(text []byte) []byte { return compactly(edit, text) })
		},
		Breaks: map[string]func(*testing.T) func(){
			"unauthorised": break1(401, `{"msg":"invalid token"}`), "forbidden": break1(403, `{"msg":"no"}`),
			"not found": break1(404, `{"msg":"no"}`), "server error": break1(500, ""), "unavailable": break1(503, ""),
			"garbage": break1(200, "<html>"),
			"throttled": func(*testing.T) func() {
				w.Fault = func(r *http.Request) (int, string) {
					if strings.HasPrefix(r.URL.Path, "/repos/") {
						return 0, "" // waited out for a minute each
					}
					return 429, ""
				}
				return func() { w.Fault = nil }
			},
			"connections cut": func(*testing.T) func() {
				w.Fault = func(*http.Request) (int, string) { panic(http.ErrAbortHandler) }
				return func() { w.Fault = nil }
			},
		},
	}
}

// compactly has an edit of indented text change compact text.
func compactly(edit func([]byte) []byte, text []byte) []byte {
	const spaced, tight = `": `, `":`
	changed := edit(bytes.ReplaceAll(text, []byte(tight), []byte(spaced)))
	return bytes.ReplaceAll(changed, []byte(spaced), []byte(tight))
}

func TestConformanceWithinARun(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		w, jobs := newWorld(), atomic.Int64{}
		return w.harness(func(t *testing.T) store.Store {
			return w.open(t, artifacttest.Run{ID: 7, Job: fmt.Sprintf("job%d", jobs.Add(1))})
		})
	})
}

func TestConformanceAcrossRuns(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		w, runs := newWorld(), atomic.Int64{}
		return w.harness(func(t *testing.T) store.Store { return w.open(t, artifacttest.Run{ID: runs.Add(1)}) })
	})
}

func put(t *testing.T, s store.Store, generation int64, version string) store.Entry {
	t.Helper()
	saved, err := s.Commit(t.Context(), store.Entry{Key: web, Generation: generation, Version: version, Data: []byte(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	return saved[0]
}

func versionOf(t *testing.T, s store.Store) string {
	t.Helper()
	entries, err := s.Load(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	return entries[0].Version
}

func generation(t *testing.T, s store.Store) int64 {
	t.Helper()
	entries, err := s.Load(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	return entries[0].Generation
}

func TestOlderIsDeletedAfterNewerIsFinalised(t *testing.T) {
	w := newWorld()
	s := w.open(t, artifacttest.Run{ID: 7})
	first := put(t, s, 1, "")
	put(t, s, 2, first.Version)
	requests := w.Requests()
	deleted, finalised := slices.Index(requests, "POST DeleteArtifact"), 0
	for i, r := range requests {
		if r == "POST FinalizeArtifact" {
			finalised = i
		}
	}
	if deleted < finalised || len(w.Live()) != 1 {
		t.Errorf("live %v after %v", w.Live(), requests)
	}
	if got := s.Where()[0]; got.Location != w.Live()[0] {
		t.Errorf("where is %v, the artifact is %v", got, w.Live())
	}
}

// TestKilledAnywhere stops a save at each of its requests, before it takes
// effect and after, for ever: the next run reads the old record or the new.
func TestKilledAnywhere(t *testing.T) {
	count := func(w *world) int { return len(w.Requests()) }
	w := newWorld()
	before := put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	total := count(w)
	put(t, w.open(t, artifacttest.Run{ID: 8}), 2, before.Version)
	total = count(w) - total
	if total < 5 {
		t.Fatalf("a save has %d requests", total)
	}
	for n := range total {
		for name, effect := range map[string]bool{"before": false, "after": true} {
			w := newWorld()
			v1 := put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
			start := count(w)
			dead := func(*http.Request) bool { return count(w)-start > n }
			w.Fault = func(r *http.Request) (int, string) {
				if dead(r) && (!effect || count(w)-start > n+1) {
					panic(http.ErrAbortHandler)
				}
				return 0, ""
			}
			w.Lose = func(r *http.Request) bool { return effect && dead(r) }
			_, err := w.open(t, artifacttest.Run{ID: 7}).Commit(t.Context(), store.Entry{Key: web, Generation: 2, Version: v1.Version, Data: []byte("{}")})
			w.Fault, w.Lose = nil, nil
			got := generation(t, w.open(t, artifacttest.Run{ID: 8}))
			if got != 1 && got != 2 || err == nil && got != 2 {
				t.Errorf("killed %s request %d: generation %d, commit said %v", name, n, got, err)
			}
			rerun := w.open(t, artifacttest.Run{ID: 7, Attempt: 2})
			entries, err := rerun.Load(t.Context(), web)
			if err != nil {
				t.Fatal(err)
			}
			put(t, rerun, entries[0].Generation+1, entries[0].Version)
		}
	}
}

// TestBurntNameIsReplaced: a name whose upload was begun and never finalised is left
// for the next one.
func TestBurntNameIsReplaced(t *testing.T) {
	w := newWorld()
	lost := 0
	w.Lose = func(r *http.Request) bool {
		if artifacttest.Label(r) != "POST CreateArtifact" || lost > 0 {
			return false
		}
		lost++
		return true
	}
	put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 1 || len(w.Artifacts()) != 2 {
		t.Errorf("generation %d with %d artifacts", got, len(w.Artifacts()))
	}
}

// TestListsLagBehind: a process sees its own saves, and an earlier job's of its run,
// whatever the lists of the repository show.
func TestListsLagBehind(t *testing.T) {
	w := newWorld()
	w.Late = time.Hour
	s := w.open(t, artifacttest.Run{ID: 7})
	first := put(t, s, 1, "")
	if got := generation(t, s); got != 1 {
		t.Errorf("generation %d", got)
	}
	put(t, w.open(t, artifacttest.Run{ID: 7, Job: "later"}), 2, first.Version)
	if got := generation(t, s); got != 2 {
		t.Errorf("generation %d", got)
	}
}

// TestOnlyTrustedArtifactsCount gives each untrusted artifact the generation
// that would win.
func TestOnlyTrustedArtifactsCount(t *testing.T) {
	cases := map[string]struct {
		run  artifacttest.Run
		warn string
	}{
		"a fork's":         {artifacttest.Run{ID: 9, HeadRepositoryID: 666}, "belongs to a fork"},
		"a branch's":       {artifacttest.Run{ID: 9, Branch: "feature"}, `was on branch "feature"`},
		"a fork's main":    {artifacttest.Run{ID: 9, HeadRepositoryID: 666, Branch: "main"}, "belongs to a fork"},
		"a branch's main2": {artifacttest.Run{ID: 9, Branch: "main2"}, `was on branch "main2"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
			forged, zip := forge(t, 99)
			w.Put(c.run, forged, zip)
			s := w.open(t, artifacttest.Run{ID: 8})
			if got := generation(t, s); got != 1 {
				t.Errorf("generation %d", got)
			}
			generation(t, s)
			if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], c.warn) {
				t.Errorf("warnings %q, want one with %q", w.warnings, c.warn)
			}
		})
	}
}

// forge makes an artifact that holds a record as the store writes it.
func forge(t *testing.T, generation int64) (name string, zip []byte) {
	t.Helper()
	w := newWorld()
	put(t, w.open(t, artifacttest.Run{ID: 5}), generation, "")
	made := w.newest(t)
	return made.Name, made.Zip
}

// TestForgedArtifactWouldCount is the control of the test above: the same
// artifact from a run that is trusted wins.
func TestForgedArtifactWouldCount(t *testing.T) {
	w := newWorld()
	name, zip := forge(t, 99)
	w.Put(artifacttest.Run{ID: 9}, name, zip)
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 99 {
		t.Errorf("generation %d", got)
	}
}

func TestAllowedBranches(t *testing.T) {
	w := newWorld()
	w.refs = actions.Refs{"release", "main"}
	put(t, w.open(t, artifacttest.Run{ID: 7, Branch: "release"}), 1, "")
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 1 {
		t.Errorf("generation %d", got)
	}
	_, err := w.open(t, artifacttest.Run{ID: 9, Branch: "feature"}).Commit(t.Context(), store.Entry{Key: web, Generation: 2, Data: []byte("{}")})
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), `"refs/heads/feature"`) || !strings.Contains(err.Error(), "release, main") {
		t.Errorf("saving on another branch: %v", err)
	}
}

func TestUntrustworthyIsUnreadable(t *testing.T) {
	cases := map[string]struct {
		edit func(*artifacttest.Artifact)
		want string
	}{
		"expired":            {func(a *artifacttest.Artifact) { a.Expired = true }, "has expired"},
		"no run":             {func(a *artifacttest.Artifact) { a.Orphaned = true }, "does not say which run"},
		"wrong digest":       {func(a *artifacttest.Artifact) { a.Digest = "sha256:00" }, "GitHub says sha256:00"},
		"not a zip":          {func(a *artifacttest.Artifact) { a.Zip, a.Digest = []byte("hello"), "" }, "not a zip file"},
		"empty":              {func(a *artifacttest.Artifact) { a.Zip, a.Digest = nil, "" }, "not a zip file"},
		"someone else's zip": {func(a *artifacttest.Artifact) { a.Zip, a.Digest = other(), "" }, "lacks state.json"},
		"bomb":               {func(a *artifacttest.Artifact) { a.Zip, a.Digest = bomb(), "" }, "unpacks to more"},
		"traversal":          {func(a *artifacttest.Artifact) { a.Zip, a.Digest = escaping(), "" }, "not a plain file inside"},
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			put(t, w.open(t, artifacttest.Run{ID: 6}), 1, "")
			first := w.newest(t)
			put(t, w.open(t, artifacttest.Run{ID: 7}), 2, versionOf(t, w.open(t, artifacttest.Run{ID: 7})))
			if w.newest(t).ID == first.ID {
				t.Fatal("nothing newer")
			}
			w.edit(w.newest(t), cases[name].edit)
			_, err := w.open(t, artifacttest.Run{ID: 8}).Load(t.Context(), web)
			if !store.IsUnreadable(err) || !strings.Contains(err.Error(), cases[name].want) {
				t.Errorf("error %v, want unreadable with %q", err, cases[name].want)
			}
		})
	}
}

func packed(name string, data []byte) []byte {
	zip, err := protocol.Pack(name, data, protocol.Limits{Ratio: 1 << 30})
	if err != nil {
		panic(err)
	}
	return zip
}

func other() []byte    { return packed("something.txt", []byte("x")) }
func bomb() []byte     { return packed("state.json", make([]byte, 1<<20)) }
func escaping() []byte { return packed("../state.json", []byte("{}")) }

func TestNamesThatAreNotOurs(t *testing.T) {
	w := newWorld()
	for _, name := range []string{"sluice-state.x", "sluice-state.storefront.e", "sluice-state.storefront", "sluice-state.other.a", "other"} {
		w.Put(artifacttest.Run{ID: 9}, name, []byte("x"))
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 0 {
		t.Errorf("generation %d", got)
	}
}

// TestOldArtifactsOfUnknownOriginDoNotMatter: only the newest must be proven.
func TestOldArtifactsOfUnknownOriginDoNotMatter(t *testing.T) {
	w := newWorld()
	first := put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	oldest := w.newest(t)
	put(t, w.open(t, artifacttest.Run{ID: 8}), 2, first.Version)
	w.edit(oldest, func(a *artifacttest.Artifact) { a.Orphaned = true })
	if got := generation(t, w.open(t, artifacttest.Run{ID: 9})); got != 2 {
		t.Errorf("generation %d", got)
	}
}

// TestEarlierAttemptIsFound: what the service does not list for a re-run is
// still in the repository's list.
func TestEarlierAttemptIsFound(t *testing.T) {
	for _, none := range []string{`{"artifacts":[]}`, "{}"} {
		w := newWorld()
		first := put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
		w.Fault = func(r *http.Request) (int, string) {
			if artifacttest.Label(r) == "POST ListArtifacts" {
				return 200, none
			}
			return 0, ""
		}
		rerun := w.open(t, artifacttest.Run{ID: 7, Attempt: 2})
		if got := generation(t, rerun); got != 1 {
			t.Errorf("%s: generation %d", none, got)
		}
		put(t, rerun, 2, first.Version)
	}
}

// TestNoListIsNoProof: an answer without a list counts for an empty one where
// the REST API counts none.
func TestNoListIsNoProof(t *testing.T) {
	w := newWorld()
	asked := 0
	w.Fault = func(r *http.Request) (int, string) {
		switch artifacttest.Label(r) {
		case "POST ListArtifacts":
			return 200, "{}"
		case "GET artifacts":
			if strings.Contains(r.URL.Path, "/runs/") {
				asked++
			}
		}
		return 0, ""
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 7})); got != 0 || asked != 1 {
		t.Errorf("generation %d, the REST API was asked %d times", got, asked)
	}
	w.Fault = func(r *http.Request) (int, string) {
		if artifacttest.Label(r) == "POST ListArtifacts" || strings.Contains(r.URL.Path, "/runs/") {
			return 200, "{}"
		}
		return 0, ""
	}
	if _, err := w.open(t, artifacttest.Run{ID: 7}).Load(t.Context(), web); !store.IsUnreadable(err) {
		t.Errorf("neither proves anything: %v", err)
	}
}

func TestJobsOfOneRunConflict(t *testing.T) {
	w := newWorld()
	mine, theirs := w.open(t, artifacttest.Run{ID: 7, Job: "a"}), w.open(t, artifacttest.Run{ID: 7, Job: "b"})
	first := put(t, mine, 1, "")
	put(t, theirs, 2, first.Version)
	_, err := mine.Commit(t.Context(), store.Entry{Key: web, Generation: 2, Version: first.Version, Data: []byte("{}")})
	if !store.IsConflict(err) || !strings.Contains(err.Error(), "another job of run 7") {
		t.Errorf("error %v, want a conflict with the other job", err)
	}
}

func TestLoadedStateIsNotForgotten(t *testing.T) {
	w := newWorld()
	put(t, w.open(t, artifacttest.Run{ID: 7}), 5, "")
	s := w.open(t, artifacttest.Run{ID: 8})
	generation(t, s)
	_, err := s.Commit(t.Context(), store.Entry{Key: web, Generation: 1, Data: []byte("{}")})
	if !store.IsConflict(err) {
		t.Errorf("saving as if never written: %v", err)
	}
}

func TestMissingPermissionIsNamed(t *testing.T) {
	w := newWorld()
	_, err := w.open(t, artifacttest.Run{ID: 8, WithoutPermissions: true}).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), "permissions: {actions: read}") {
		t.Errorf("error %v", err)
	}
	options := w.options(t, artifacttest.Run{ID: 8})
	options.GitHub = func() (*actions.Client, error) { return nil, actions.ErrNoToken }
	_, err = artifact.Open(options).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), "GITHUB_TOKEN: ${{ github.token }}") {
		t.Errorf("without a token: %v", err)
	}
	options.Runs = func() (*protocol.Client, error) { return nil, protocol.ErrUnavailable }
	_, err = artifact.Open(options).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), "state: {store: git}") {
		t.Errorf("outside an action: %v", err)
	}
}

func TestExpiryIsWarnedOf(t *testing.T) {
	w := newWorld()
	put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	for days, warnings := range map[int]int{15: 0, 13: 1} {
		w.warnings = nil
		w.edit(w.newest(t), func(a *artifacttest.Artifact) { a.ExpiresAt = time.Now().Add(time.Duration(days) * 24 * time.Hour) })
		generation(t, w.open(t, artifacttest.Run{ID: 8}))
		if len(w.warnings) != warnings || warnings == 1 && !strings.Contains(w.warnings[0], "storefront expires on") {
			t.Errorf("%d days before: %q", days, w.warnings)
		}
	}
}

// TestListAfterASlowLoad: a load reads entries and then lists their kind; the list
// needs no second look, however long the service took over the first.
func TestListAfterASlowLoad(t *testing.T) {
	w := newWorld()
	run := artifacttest.Run{ID: 7}
	saved := put(t, w.open(t, run), 1, "")
	o := w.options(t, run)
	o.Fresh = time.Hour
	began := time.Now()
	o.Clock = work.Clock{Now: func() time.Time { return began.Add(time.Duration(len(w.Requests())) * 2 * time.Second) }}
	s := artifact.Open(o)
	if got, err := s.Load(t.Context(), web); err != nil || got[0].Version != saved.Version {
		t.Fatalf("%+v, %v", got, err)
	}
	asked := len(w.Requests())
	keys, err := s.List(t.Context(), web.Pipeline, store.KindTarget)
	if err != nil || len(keys) != 1 || len(w.Requests()) != asked {
		t.Errorf("%v, %v, after %v", keys, err, w.Requests()[asked:])
	}
}

func TestUnderAct(t *testing.T) {
	w := newWorld()
	w.Act = true
	options := w.options(t, artifacttest.Run{ID: 1})
	options.GitHub = func() (*actions.Client, error) { return nil, actions.ErrNoToken }
	if got := generation(t, artifact.Open(options)); got != 0 {
		t.Errorf("before any upload: generation %d", got)
	}
	first := put(t, artifact.Open(options), 1, "")
	put(t, artifact.Open(options), 2, first.Version)
	if got := generation(t, artifact.Open(options)); got != 2 {
		t.Errorf("generation %d", got)
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 2})); got != 2 {
		t.Errorf("another run, through the REST API: generation %d", got)
	}
}

// TestKilledUnderAct: act lists an upload that was only begun.
func TestKilledUnderAct(t *testing.T) {
	w := newWorld()
	w.Act = true
	first := put(t, w.open(t, artifacttest.Run{ID: 1}), 1, "")
	w.Fault = func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut {
			panic(http.ErrAbortHandler)
		}
		return 0, ""
	}
	if _, err := w.open(t, artifacttest.Run{ID: 1}).Commit(t.Context(), store.Entry{Key: web, Generation: 2, Version: first.Version, Data: []byte("{}")}); !store.IsUnreadable(err) {
		t.Fatalf("error %v", err)
	}
	w.Fault = nil
	if got := generation(t, w.open(t, artifacttest.Run{ID: 1})); got != 1 {
		t.Errorf("generation %d", got)
	}
	put(t, w.open(t, artifacttest.Run{ID: 1}), 2, first.Version)
	if got := generation(t, w.open(t, artifacttest.Run{ID: 1})); got != 2 {
		t.Errorf("generation %d", got)
	}
}

// TestNewestIsReplacedWhileLoading: the artifact that the list named is gone
// when it is downloaded, because its run saved again.
// TestJobsThatSaveOnAndOn: where another job of the run always saves first, and nobody
// changed the entry, nothing but time is needed; nothing was saved.
func TestJobsThatSaveOnAndOn(t *testing.T) {
	w := newWorld()
	o := w.options(t, artifacttest.Run{ID: 7, Job: "a"})
	o.Wait = time.Microsecond
	mine, theirs := artifact.Open(o), w.open(t, artifacttest.Run{ID: 7, Job: "b"})
	first := put(t, mine, 1, "")
	other, saving := store.Entry{Key: api}, false
	w.Fault = func(r *http.Request) (int, string) {
		if artifacttest.Label(r) != "POST ListArtifacts" || saving {
			return 0, ""
		}
		saving = true
		defer func() { saving = false }()
		other.Generation++
		other.Data = fmt.Appendf(nil, `{"n":%d}`, other.Generation)
		saved, err := theirs.Commit(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		other = saved[0]
		return 0, ""
	}
	next := store.Entry{Key: web, Generation: 2, Version: first.Version, Data: []byte(`{"n":2}`)}
	_, err := mine.Commit(t.Context(), next)
	if until, busy := store.IsBusy(err); !busy || until.IsZero() || store.IsConflict(err) || store.IsUnreadable(err) {
		t.Fatalf("among others it ends with %v", err)
	}
	w.Fault = nil
	if got := generation(t, w.open(t, artifacttest.Run{ID: 7, Job: "c"})); got != 1 {
		t.Errorf("meanwhile it loads as generation %d", got)
	}
	if _, err := mine.Commit(t.Context(), next); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestNewestIsReplacedWhileLoading(t *testing.T) {
	w := newWorld()
	running := w.open(t, artifacttest.Run{ID: 7})
	first := put(t, running, 1, "")
	second := ""
	w.Fault = func(r *http.Request) (int, string) {
		if artifacttest.Label(r) == "GET zip" && second == "" {
			second = "saving"
			second = put(t, running, 2, first.Version).Version
		}
		return 0, ""
	}
	if got := generation(t, w.open(t, artifacttest.Run{ID: 8})); got != 2 {
		t.Errorf("generation %d", got)
	}
}

func TestCostOfALoadAndASave(t *testing.T) {
	w := newWorld()
	first := put(t, w.open(t, artifacttest.Run{ID: 7}), 1, "")
	s := w.open(t, artifacttest.Run{ID: 8})
	before := len(w.Requests())
	generation(t, s)
	if n := len(w.Requests()) - before; n > 8 {
		t.Errorf("a load of one target took %d requests: %v", n, w.Requests()[before:])
	}
	before = len(w.Requests())
	put(t, s, 2, first.Version)
	if n := len(w.Requests()) - before; n > 10 {
		t.Errorf("a first save took %d requests: %v", n, w.Requests()[before:])
	}
}
