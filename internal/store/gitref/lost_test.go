package gitref_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/gitref"
	"sluice/internal/store/gitref/gitreftest"
)

const branch = gitref.DefaultBranch

// grown is a branch with three generations of web, and its commits, oldest first.
func grown(t *testing.T) (f *gitreftest.Server, commits []string) {
	t.Helper()
	f = gitreftest.New()
	s := open(t, options(f))
	for n := range 3 {
		put(t, s, web, fmt.Sprintf(`{"n":%d}`, n+1))
		commits = append(commits, f.Head(branch))
	}
	return f, commits
}

// takenBack are the ways in which somebody loses the state, and what the branch is
// at then.
func takenBack(t *testing.T) map[string]func(*gitreftest.Server, []string) (now string) {
	return map[string]func(*gitreftest.Server, []string) string{
		"deleted": func(f *gitreftest.Server, _ []string) string {
			f.Force(branch, "")
			return ""
		},
		"set back": func(f *gitreftest.Server, commits []string) string {
			f.Force(branch, commits[1])
			return commits[1]
		},
		"set back, and pushed upon": func(f *gitreftest.Server, commits []string) string {
			f.Force(branch, commits[0])
			f.Push(branch, "note", func(string) string { return "by hand" })
			return f.Head(branch)
		},
		"begun anew": func(f *gitreftest.Server, _ []string) string {
			f.Force(branch, "")
			f.Push(branch, "note", func(string) string { return "by hand" })
			return f.Head(branch)
		},
	}
}

func TestLostStateIsUnreadable(t *testing.T) {
	for name, take := range takenBack(t) {
		t.Run(name, func(t *testing.T) {
			f, commits := grown(t)
			now := take(f, commits)
			before := f.Writes()
			check := func(err error) {
				t.Helper()
				var lost *store.LostError
				if !store.IsUnreadable(err) || !errors.As(err, &lost) || lost.Now != now || lost.Newest != commits[2] {
					t.Errorf("error %v", err)
					return
				}
				for _, commit := range []string{now, commits[2]} {
					if commit != "" && !strings.Contains(err.Error(), "state accept "+commit) {
						t.Errorf("error %q does not say how to go on from %s", err, commit)
					}
				}
			}
			_, err := open(t, options(f)).Load(t.Context(), web)
			check(err)
			_, err = open(t, options(f)).List(t.Context(), web.Pipeline, store.KindTarget)
			check(err)
			_, err = open(t, options(f)).Commit(t.Context(), store.Entry{Key: api, Generation: 1, Data: []byte("{}")})
			check(err)
			if f.Writes() != before {
				t.Error("it was written")
			}
		})
	}
}

// TestLostWhileRunning: what this process committed is gone at its next commit.
func TestLostWhileRunning(t *testing.T) {
	f := gitreftest.New()
	s := open(t, options(f))
	mine := put(t, s, web, "{}")
	f.Force(branch, "")
	mine.Generation++
	if _, err := s.Commit(t.Context(), mine); !store.IsUnreadable(err) || !strings.Contains(err.Error(), "is gone") {
		t.Errorf("error %v", err)
	}
	if f.Head(branch) != "" {
		t.Error("the branch was made anew")
	}
}

// TestAccept goes on from either commit; both refs move forward alone.
func TestAccept(t *testing.T) {
	for name, take := range takenBack(t) {
		for _, newest := range []bool{true, false} {
			f, commits := grown(t)
			now := take(f, commits)
			from, want := commits[2], int64(3)
			if !newest {
				from = now
				want = map[string]int64{"set back": 2, "set back, and pushed upon": 1}[name]
			}
			if from == "" {
				continue
			}
			t.Run(fmt.Sprint(name, newest), func(t *testing.T) {
				done, err := gitref.Accept(t.Context(), options(f), from[:9], "a push\nby mistake")
				if err != nil || done.From != from || done.Commit != f.Head(branch) {
					t.Fatalf("%+v, %v; the branch is at %s", done, err, f.Head(branch))
				}
				message := f.Log(branch)[0]
				for _, part := range []string{from[:12], "a push by mistake", run.RunURL, "Actor: octocat"} {
					if !strings.Contains(message, part) {
						t.Errorf("the log lacks %q: %q", part, message)
					}
				}
				s := open(t, options(f))
				entries, err := s.Load(t.Context(), web)
				if err != nil || entries[0].Generation != want {
					t.Errorf("generation %d, %v, want %d", entries[0].Generation, err, want)
				}
				put(t, s, web, "{}")
				if _, err := gitref.Accept(t.Context(), options(f), f.Head(branch), "again"); !errors.Is(err, gitref.ErrNotLost) {
					t.Errorf("nothing is lost any more: %v", err)
				}
			})
		}
	}
}

func TestAcceptOfAnotherCommit(t *testing.T) {
	f, commits := grown(t)
	f.Force(branch, commits[1])
	for _, wanted := range []string{commits[0], "main", "", commits[2][:6], strings.Repeat("g", 40)} {
		if _, err := gitref.Accept(t.Context(), options(f), wanted, "why"); !errors.Is(err, gitref.ErrNotThere) {
			t.Errorf("%q: %v", wanted, err)
		}
	}
	if f.Head(branch) != commits[1] {
		t.Error("the branch was moved")
	}
}

// TestGuardLagsBehind: a run that ended between the two refs, and one that commits
// between the two reads, lose nothing and are no alarm.
func TestGuardLagsBehind(t *testing.T) {
	t.Run("ended between the two", func(t *testing.T) {
		for _, behind := range []int{1, 2} {
			f := gitreftest.New()
			s := open(t, options(f))
			put(t, s, web, "{}")
			f.Fault = func(r *http.Request) (int, string) {
				if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/refs/sluice/") {
					return -1, ""
				}
				return 0, ""
			}
			for range behind {
				put(t, s, web, "{}")
			}
			f.Fault = nil
			other := open(t, options(f))
			if e := put(t, other, web, "{}"); e.Generation != int64(behind)+2 {
				t.Errorf("generation %d", e.Generation)
			}
			if guard := f.Refs["refs/sluice/"+branch]; guard != f.Head(branch) {
				t.Errorf("the guard is at %s", guard)
			}
		}
	})
	t.Run("committed between the reads", func(t *testing.T) {
		f := gitreftest.New()
		running := open(t, options(f))
		put(t, running, web, "{}")
		raced := false
		f.Fault = func(r *http.Request) (int, string) {
			if strings.Contains(r.URL.Path, "/matching-refs/sluice/") && !raced {
				raced = true
				put(t, running, web, "{}")
				put(t, running, web, "{}")
			}
			return 0, ""
		}
		entries, err := open(t, options(f)).Load(t.Context(), web)
		if err != nil || entries[0].Generation != 3 {
			t.Errorf("%+v, %v", entries, err)
		}
	})
	t.Run("before there were guards", func(t *testing.T) {
		f, _ := grown(t)
		delete(f.Refs, "refs/sluice/"+branch)
		if e := put(t, open(t, options(f)), web, "{}"); e.Generation != 4 || f.Refs["refs/sluice/"+branch] != f.Head(branch) {
			t.Errorf("generation %d, guard %q", e.Generation, f.Refs["refs/sluice/"+branch])
		}
	})
}

// TestGuardThatMayNotBeMoved: the state is saved, and somebody is told.
func TestGuardThatMayNotBeMoved(t *testing.T) {
	f := gitreftest.New()
	o := options(f)
	var said []string
	o.Warn = func(message string) { said = append(said, message) }
	f.Fault = func(r *http.Request) (int, string) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/refs") && f.Head(branch) != "" {
			return 422, `{"message":"Repository rule violations found"}`
		}
		return 0, ""
	}
	put(t, open(t, o), web, "{}")
	if len(said) != 1 || !strings.Contains(said[0], "refs/sluice/"+branch) || !strings.Contains(said[0], "rules") {
		t.Errorf("said %q", said)
	}
}

// TestFilesByHand: what archives do not hold as git has it is read another way.
func TestFilesByHand(t *testing.T) {
	f := gitreftest.New()
	saved := put(t, open(t, options(f)), web, "{}")
	f.Archived = func(text string) string { return strings.ReplaceAll(text, "Sluice", "$Format$") } // export-subst
	entries, err := open(t, options(f)).Load(t.Context(), web)
	if err != nil || entries[0].Version != saved.Version {
		t.Errorf("%+v, %v", entries, err)
	}
}
