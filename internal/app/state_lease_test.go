package app_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLeases: what a killed run holds is held until its run is known to be over
// or the lease ends; the history says that it was broken, and why. The next attempt
// of the same job may have it back at once.
func TestLeases(t *testing.T) {
	const holder = "octocat/shop/runs/7/promote"
	// What a run has intended may reach the platform until its lease has ended, also
	// where it is known to be over: before that nobody concludes that it did not.
	const ended = 17 * time.Minute
	for _, name := range []string{"file", "git", "s3"} {
		tests := map[string]struct {
			job    job
			over   bool
			broken string // why, as the history says
		}{
			"the next attempt of the job": {job: job{run: 7, attempt: 2, later: ended}, broken: "this is a later attempt of the same run"},
			"the run is over":             {job: job{run: 8, later: ended}, over: true, broken: "its run is over"},
			"the lease ended":             {job: job{run: 8, later: time.Hour}, broken: "it ended "},
			"it ended unasked":            {job: job{run: 8, later: time.Hour, env: map[string]string{"GITHUB_API_URL": ""}}, broken: "it ended "},
		}
		for what, test := range tests {
			if name == "git" && test.job.env != nil {
				continue // the store itself needs GitHub
			}
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, shop)
				promote := []string{"promote", "--to", "production", "--target", "eu", "--store", w.stores()[name]}
				w.leave(t, 7, w.stores()[name])
				for _, other := range []job{{run: 8}, {run: 7, name: "another-job"}, {run: 8, later: 10 * time.Minute}} {
					got := w.wants(t, 5, "eu is held by "+holder+" (started by octocat) since ", other, promote...)
					if !strings.Contains(got.stderr, "https://github.example/octocat/shop/actions/runs/7; its lease ends ") {
						t.Errorf("%s", got)
					}
				}
				if test.over {
					w.finish("7")
					early := append([]string{"--wait-budget", "1s"}, promote...)
					w.wants(t, 0, "promote: pending", job{run: 8, later: 10 * time.Minute}, early...)
				}
				if test.job.env != nil {
					test.job.env = event(t, `{"repository": {"default_branch": "main", "private": true}}`)
					test.job.env["GITHUB_API_URL"] = refusing
				}
				w.wants(t, 0, "succeeded", test.job, promote...)
				if want := []string{"eu deploy"}; !slices.Equal(w.effects(), want) {
					t.Errorf("effects %q, want %q", w.effects(), want)
				}
				history := w.wants(t, 0, "", job{run: 9}, "events", "--target", "eu", "--store", w.stores()[name])
				said := "the lease of " + holder + " (started by octocat) since "
				if got := strings.Count(history.stdout, "lease.broken"); got != 1 || !strings.Contains(history.stdout, said) || !strings.Contains(history.stdout, "was taken over: "+test.broken) {
					t.Errorf("%d leases broken; %s", got, history)
				}
			})
		}
	}
}

// TestStaleHolder: a run that was away while its lease was broken loses its next
// save, and has no effect any more.
func TestStaleHolder(t *testing.T) {
	for _, name := range []string{"file", "git", "s3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asleep, wake := make(chan struct{}), make(chan struct{})
			wakeUp := sync.OnceFunc(func() { close(wake) })
			var first atomic.Bool
			gate := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				if first.CompareAndSwap(false, true) {
					close(asleep)
					<-wake
				}
			}))
			t.Cleanup(wakeUp)
			w := newWorld(t, shop+"    predeploy:\n      - http: {url: "+strconv.Quote(gate.URL)+"}\n")
			promote := []string{"promote", "--to", "production", "--target", "eu", "--store", w.stores()[name]}
			stale := make(chan outcome, 1)
			go func() { stale <- w.sluice(t, job{run: 7}, promote...) }()
			<-asleep
			w.wants(t, 0, "succeeded", job{run: 8, later: time.Hour}, promote...)
			wakeUp()
			if got := <-stale; got.code != 5 || !strings.Contains(got.stderr, "actions/runs/8") {
				t.Errorf("%s", got)
			}
			if want := []string{"eu deploy"}; !slices.Equal(w.effects(), want) {
				t.Errorf("effects %q, want %q", w.effects(), want)
			}
		})
	}
}

// TestPersonsLock: nothing but a person ends it.
func TestPersonsLock(t *testing.T) {
	w := newWorld(t, shop)
	where := w.stores()["git"]
	w.wants(t, 0, "", job{run: 7}, "lock", "--target", "eu", "--reason", "incident 12", "--store", where)
	w.finish("7")
	w.wants(t, 4, "locked by octocat since", job{run: 8, later: 365 * 24 * time.Hour}, "promote", "--to", "production", "--store", where)
	lock := w.records(t, where)[0].(map[string]any)["blocks"].([]any)[0].(map[string]any)
	if lock["until"] != nil || lock["kind"] != "lock" || lock["reason"] != "incident 12" {
		t.Errorf("%v", lock)
	}
	w.wants(t, 0, "", job{run: 9}, "unlock", "--target", "eu", "--store", where)
	w.wants(t, 0, "succeeded", job{run: 10}, "promote", "--to", "production", "--store", where)
}

// TestUnknownRunIsAlive: where GitHub does not say that a run is over, it holds
// what it holds.
func TestUnknownRunIsAlive(t *testing.T) {
	w := newWorld(t, shop)
	where := w.stores()["s3"]
	w.leave(t, 7, where)
	w.finish("7")
	known := event(t, `{"repository": {"default_branch": "main", "private": true}}`)
	promote := []string{"promote", "--to", "production", "--target", "eu", "--store", where}
	known["GITHUB_TOKEN"] = ""
	w.wants(t, 5, "eu is held by", job{run: 8, env: known}, promote...)
	delete(known, "GITHUB_TOKEN")
	rest(403, denied)(t, w)
	w.wants(t, 5, "eu is held by", job{run: 8, env: known}, promote...)
	rest(200, "<html>")(t, w)
	w.wants(t, 5, "eu is held by", job{run: 8, env: known}, promote...)
	rest(0, "")(t, w)
	w.wants(t, 0, "succeeded", job{run: 8, env: known, later: 17 * time.Minute}, promote...)
}
