package gitref_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice/internal/actions"
	"sluice/internal/store"
	"sluice/internal/store/gitref"
	"sluice/internal/store/gitref/gitreftest"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

var (
	web = store.Key{Pipeline: "storefront", Target: "web"}
	api = store.Key{Pipeline: "storefront", Target: "api"}
	run = actions.Context{
		Repository: gitreftest.Repository, RunID: 7, RunURL: "https://github.com/octocat/shop/actions/runs/7", Actor: "octocat",
		ServerURL: "https://github.com", DefaultBranch: "main",
	}
)

func options(f *gitreftest.Server) gitref.Options {
	return gitref.Options{Run: run, Wait: time.Microsecond, Queue: gitref.NewQueueOf(store.NewPace(work.Clock{})), GitHub: func() (*actions.Client, error) {
		return actions.NewClient(actions.ClientConfig{Repository: gitreftest.Repository, Token: gitreftest.Token, Transport: f, Wait: time.Microsecond})
	}}
}

func open(t *testing.T, options gitref.Options) store.Store {
	t.Helper()
	s, err := gitref.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		f := gitreftest.New()
		breaking := func(status int, body string) func(*testing.T) func() {
			return func(*testing.T) func() {
				f.Fault = func(*http.Request) (int, string) { return status, body }
				return func() { f.Fault = nil }
			}
		}
		return storetest.Harness{
			Open:     func(t *testing.T) store.Store { return open(t, options(f)) },
			Writes:   f.Writes,
			Requests: func() int { return len(f.Requests) },
			Crowd: func(n int) { // branches of a bot, on a commit of others
				f.Push("main", "README", func(string) string { return "others" })
				for i := range n {
					f.Refs[fmt.Sprintf("refs/heads/renovate/module-%d", i)] = f.Refs["refs/heads/main"]
				}
			},
			Corrupt: func(_ *testing.T, k store.Key, edit func([]byte) []byte) {
				f.Push(gitref.DefaultBranch, k.Pipeline+"/"+k.Target+".json", func(s string) string { return string(edit([]byte(s))) })
			},
			Breaks: map[string]func(*testing.T) func(){
				"unauthorised": breaking(401, `{"message":"Bad credentials"}`), "forbidden": breaking(403, `{"message":"Resource not accessible by integration"}`),
				"not found": breaking(404, `{"message":"Not Found"}`), "server error": breaking(500, ""), "unavailable": breaking(503, ""),
				"garbage": breaking(200, "<html>"), "connection refused": breaking(-1, ""),
			},
		}
	})
}

func put(t *testing.T, s store.Store, k store.Key, data string) store.Entry {
	t.Helper()
	entries, err := s.Load(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	e := entries[0]
	e.Generation++
	e.Data = []byte(data)
	saved, err := s.Commit(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return saved[0]
}

func TestLogReadsAsAnAuditLog(t *testing.T) {
	f := gitreftest.New()
	o := options(f)
	o.Describe = func(e store.Entry) string {
		if e.Key == web {
			return "rollout v42-to-web-0001 succeeded\n\nActor: somebody else"
		}
		return ""
	}
	s := open(t, o)
	put(t, s, web, "{}")
	put(t, s, api, "{}")
	entries, err := s.Load(t.Context(), web, api)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		entries[i].Generation++
	}
	if _, err := s.Commit(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	const trailer = "\n\nRun: https://github.com/octocat/shop/actions/runs/7\nActor: octocat\n"
	want := []string{
		"storefront: 2 targets: web, api\n\n" +
			"storefront/web: rollout v42-to-web-0001 succeeded Actor: somebody else (generation 2)\n" +
			"storefront/api: generation 2" + trailer,
		"storefront/api: generation 1" + trailer,
		"storefront/web: rollout v42-to-web-0001 succeeded Actor: somebody else …\n\n" +
			"storefront/web: rollout v42-to-web-0001 succeeded Actor: somebody else (generation 1)" + trailer,
	}
	got := f.Log(gitref.DefaultBranch)
	if len(got) != len(want) {
		t.Fatalf("log %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("message %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

func TestBranchStartsWithoutHistory(t *testing.T) {
	f := gitreftest.New()
	f.Push("main", "code.go", func(string) string { return "package main" })
	f.Push("sluice-state-other", "x", func(string) string { return "y" })
	saved := put(t, open(t, options(f)), web, "{}")
	head := f.Commits[f.Refs["refs/heads/sluice-state"]]
	if len(head.Parents) != 0 {
		t.Errorf("the first commit has parents %v", head.Parents)
	}
	files := f.Trees[head.Tree]
	if len(files) != 2 || files["storefront/web.json"] != saved.Version || !strings.Contains(f.Blobs[files["README.md"]], "Do not edit") {
		t.Errorf("the branch holds %v", files)
	}
}

func TestWhereIsTheFileAtTheCommit(t *testing.T) {
	f := gitreftest.New()
	s := open(t, options(f))
	put(t, s, web, "{}")
	want := "https://github.com/octocat/shop/blob/" + f.Refs["refs/heads/sluice-state"] + "/storefront/web.json"
	if got := s.Where()[0].Location; got != want {
		t.Errorf("where is %s, want %s", got, want)
	}
}

// TestRequests: a load of any number of entries is at most three requests of the
// API, a commit four, and a load of what did not change one.
func TestRequests(t *testing.T) {
	for _, n := range []int{1, 200} {
		f := gitreftest.New()
		f.Meter.Enforce = true
		keys := many(t, f, n)
		s := open(t, options(f))
		spent := func(what string, most int, do func() error) {
			t.Helper()
			f.Meter.Reset()
			if err := do(); err != nil {
				t.Fatal(err)
			}
			if got := f.Meter.Total(); got > most {
				t.Errorf("%d entries: %s took %d requests, want at most %d: %v", n, what, got, most, f.Meter.Counts())
			}
		}
		var entries []store.Entry
		load := func() (err error) { entries, err = s.Load(t.Context(), keys...); return err }
		save := func() (err error) {
			for i := range entries {
				entries[i].Generation++
				entries[i].Data = []byte("{}")
			}
			entries, err = s.Commit(t.Context(), entries...)
			return err
		}
		spent("a load", 3, load)
		spent("a commit", 4, save)
		spent("the next commit", 4, save)
		spent("a load of what did not change", 1, load)
		spent("a list", 1, func() error { _, err := s.List(t.Context(), "storefront", store.KindTarget); return err })
		if len(entries) != n || string(entries[0].Data) != "{}" {
			t.Errorf("%d entries: %+v", n, entries[0])
		}
	}
}

// TestLosersOfTheBranchTryAgain: another target's save between the read and
// the write is no conflict; the same target's is.
func TestLosersOfTheBranchTryAgain(t *testing.T) {
	for k, conflict := range map[store.Key]bool{api: false, web: true} {
		f := gitreftest.New()
		mine := put(t, open(t, options(f)), web, "{}")
		put(t, open(t, options(f)), api, "{}")
		raced := false
		f.Fault = func(r *http.Request) (int, string) {
			if r.Method == http.MethodPatch && !raced {
				raced = true
				put(t, open(t, options(f)), k, `{"theirs":true}`)
			}
			return 0, ""
		}
		mine.Generation++
		_, err := open(t, options(f)).Commit(t.Context(), mine)
		if store.IsConflict(err) != conflict || !conflict && err != nil {
			t.Errorf("%s saved meanwhile: %v, want a conflict: %v", k, err, conflict)
		}
		if conflict && !strings.Contains(err.Error(), run.RunURL) {
			t.Errorf("conflict %q does not name the winner", err)
		}
		if got := put(t, open(t, options(f)), api, "{}"); !conflict && got.Generation != 3 {
			t.Errorf("the other target's save is lost: generation %d", got.Generation)
		}
	}
}

func TestLostAnswers(t *testing.T) {
	for _, request := range []string{"POST trees", "POST commits", "POST refs", "PATCH sluice-state"} {
		t.Run(request, func(t *testing.T) {
			f := gitreftest.New()
			if strings.HasPrefix(request, "PATCH") {
				put(t, open(t, options(f)), web, "{}")
			}
			before, lost := f.Writes(), false
			f.Lose = func(r *http.Request) bool {
				if lost || r.Method+" "+r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] != request {
					return false
				}
				lost = true
				return true
			}
			saved := put(t, open(t, options(f)), web, `{"n":2}`)
			if !lost || f.Writes()-before != 1 {
				t.Errorf("lost %v: the branch moved %d times", lost, f.Writes()-before)
			}
			entries, err := open(t, options(f)).Load(t.Context(), web)
			if err != nil || entries[0].Version != saved.Version {
				t.Errorf("the record reads %+v, %v", entries, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	refuse := func(method string, status int, body string) func(*http.Request) (int, string) {
		return func(r *http.Request) (int, string) {
			if r.Method == method {
				return status, body
			}
			return 0, ""
		}
	}
	for want, fault := range map[string]func(*http.Request) (int, string){
		"permissions: {contents: write}":          refuse("POST", 403, `{"message":"Resource not accessible by integration"}`),
		"exempt the state branch":                 refuse("PATCH", 422, `{"message":"Repository rule violations found"}`),
		"GitHub is failing":                       refuse("POST", 502, ""),
		"GITHUB_TOKEN is wrong":                   refuse("GET", 401, `{"message":"Bad credentials"}`),
		"push a first commit":                     refuse("GET", 409, `{"message":"Git Repository is empty."}`),
		"give the job permissions: {contents: wr": refuse("GET", 404, `{"message":"Not Found"}`),
	} {
		f := gitreftest.New()
		saved := put(t, open(t, options(f)), web, "{}")
		before := f.Writes()
		f.Fault = fault
		saved.Generation++
		_, err := open(t, options(f)).Commit(t.Context(), saved)
		if !store.IsUnreadable(err) || !strings.Contains(err.Error(), want) || f.Writes() != before {
			t.Errorf("error %v, want unreadable with %q", err, want)
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	f := gitreftest.New()
	f.Empty = true
	_, err := open(t, options(f)).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), "push a first commit") {
		t.Errorf("error %v", err)
	}
}

func TestNoToken(t *testing.T) {
	o := options(gitreftest.New())
	o.GitHub = func() (*actions.Client, error) { return nil, actions.ErrNoToken }
	_, err := open(t, o).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), "GITHUB_TOKEN") || !strings.Contains(err.Error(), "contents: write") {
		t.Errorf("error %v", err)
	}
	o.GitHub = func() (*actions.Client, error) { t.Fatal("opened before its first use"); return nil, nil }
	if s := open(t, o); s.Facts().Name != "git" {
		t.Errorf("facts %+v", s.Facts())
	}
}

func TestBranchNames(t *testing.T) {
	for branch, ok := range map[string]bool{
		"": true, "state": true, "deploy/state-1": true, "main": false, "a..b": false, "a//b": false, "a/": false, "/a": false,
		"-a": false, "a b": false, "a.lock": false, "a.": false, "a~1": false, "refs\n": false,
	} {
		o := options(gitreftest.New())
		o.Branch = branch
		if _, err := gitref.Open(o); (err == nil) != ok {
			t.Errorf("branch %q: %v", branch, err)
		}
	}
}

// many saves n records in one commit and returns their keys.
func many(t *testing.T, f *gitreftest.Server, n int) []store.Key {
	t.Helper()
	entries, keys := make([]store.Entry, n), make([]store.Key, n)
	for i := range entries {
		keys[i] = store.Key{Pipeline: "storefront", Target: fmt.Sprintf("t-%d", i)}
		entries[i] = store.Entry{Key: keys[i], Generation: 1, Data: fmt.Appendf(nil, "%d", i)}
	}
	if _, err := open(t, options(f)).Commit(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestArchivesAreNotBelieved: a wrong, damaged or missing archive changes
// nothing but the number of requests.
func TestArchivesAreNotBelieved(t *testing.T) {
	broken := func(status int, body string) func(*gitreftest.Server) {
		return func(f *gitreftest.Server) {
			f.Fault = func(r *http.Request) (int, string) {
				if r.URL.Host == "codeload.example.com" {
					return status, body
				}
				return 0, ""
			}
		}
	}
	for name, damage := range map[string]func(*gitreftest.Server){
		"other content": func(f *gitreftest.Server) {
			f.Archived = func(text string) string { return strings.Replace(text, "record", "rekord", 1) }
		},
		"no content":     func(f *gitreftest.Server) { f.Archived = func(string) string { return "" } },
		"not an archive": broken(200, "<html>"), "forbidden": broken(403, ""), "unreachable": broken(-1, ""),
		"no archives": func(f *gitreftest.Server) {
			f.Fault = func(r *http.Request) (int, string) {
				if strings.Contains(r.URL.Path, "/tarball/") {
					return 404, "{}"
				}
				return 0, ""
			}
		},
	} {
		f := gitreftest.New()
		keys := many(t, f, 9)
		damage(f)
		entries, err := open(t, options(f)).Load(t.Context(), keys...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, e := range entries {
			if string(e.Data) != fmt.Sprint(i) {
				t.Errorf("%s: %s reads %q", name, keys[i], e.Data)
			}
		}
	}
}
