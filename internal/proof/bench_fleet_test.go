//go:build unix

package proof_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store/file"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// rate lets so many requests a second pass, and as many at once as were saved up.
type rate struct {
	mu        sync.Mutex
	left      float64
	at        time.Time
	perSecond float64
	atOnce    float64
	refused   int
}

func (l *rate) refuses(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/restapis/") {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.at.IsZero() {
		l.left = l.atOnce
	} else {
		l.left = min(l.atOnce, l.left+now.Sub(l.at).Seconds()*l.perSecond)
	}
	l.at = now
	if l.left < 1 {
		l.refused++
		return true
	}
	l.left--
	return false
}

// throttled promotes a fleet where the platform refuses what comes too fast.
func throttled(b *testing.B, built string) []number {
	const targets = 1000
	limit := &rate{perSecond: 100, atOnce: 200}
	w := real(b, built, "file", "apigateway", scenario{targets: targets})
	w.passage.busy = limit.refuses
	_, took := done(b, w, "--concurrency", "64")
	ideal := (float64(w.requests()) - limit.atOnce) / limit.perSecond
	return []number{
		{what: "1,000 gateways, throttled to 100 requests a second: wall against ideal", got: took.Seconds() / ideal, may: 1.3, unit: "times"},
		{what: "the same: refused requests a target", got: float64(limit.refused) / targets, may: 3, unit: ""},
	}
}

// requestsOfAccount are the requests that an account of Heroku's counts: what release
// phases print is read at another host.
func (w *world) requestsOfAccount() (all, promotions int) {
	for _, r := range w.platforms.Requests() {
		if strings.HasPrefix(r.Path, "/streams/") {
			continue
		}
		all++
		if r.Method == http.MethodPost && r.Path == "/pipeline-promotions" {
			promotions++
		}
	}
	return all, promotions
}

func herokuApps(b *testing.B, built string) []number {
	w := real(b, built, "file", "heroku", scenario{targets: 300})
	done(b, w)
	requests, _ := w.requestsOfAccount()
	return []number{{what: "300 Heroku apps and their source: requests", got: float64(requests), may: 10 + 2*(300+1), unit: ""}}
}

// herokuHalting promotes in calls of as many apps as there are places. Each is read
// anew, sent and followed by itself, which takes callReads; what advice alone stands
// on is read once an app, however many calls there are.
func herokuHalting(b *testing.B, built string) []number {
	const apps, callReads = 104, 10
	w := real(b, built, "file", "heroku", scenario{targets: apps, stage: "    onFailure: halt\n"})
	done(b, w)
	requests, calls := w.requestsOfAccount()
	return []number{{
		what: fmt.Sprintf("%d Heroku apps under halt, %d calls: requests", apps, calls),
		got:  float64(requests), may: 10 + 2*(apps+1) + callReads*float64(calls), unit: "",
	}}
}

// records are read and saved without a platform.
func records(b *testing.B, _ string) []number {
	const targets = 10_000
	at := file.Open(b.TempDir())
	open := func(run string) *ledger.Ledger {
		limits := work.Begin(b.Context(), work.Clock{}, work.Limits{})
		b.Cleanup(limits.End)
		return ledger.Open(b.Context(), ledger.Config{Store: at, Pipeline: "shop", Run: rollout.Run{ID: run}, Work: limits})
	}
	names, list, rows := make([]string, targets), make([]*rollout.Record, targets), make([]ledger.Row, targets)
	for i := range targets {
		names[i] = fmt.Sprintf("t%05d", i)
		r := rollout.New("shop", driver.Target{Name: names[i], Stage: "production", Platform: "apigateway"})
		list[i], rows[i] = &r, ledger.Row{Record: &r}
	}
	l := open("one")
	load := func(l *ledger.Ledger) time.Duration {
		began := time.Now()
		if _, err := l.Load(b.Context(), names...); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	save := func(rows ...ledger.Row) time.Duration {
		began := time.Now()
		if saved := <-l.Save(rows...); saved.Err != nil {
			b.Fatal(saved.Err)
		}
		return time.Since(began)
	}
	load(l)
	if _, err := l.Take(b.Context(), list...); err != nil {
		b.Fatal(err)
	}
	save(rows...)
	loads := load(open("two"))
	list[targets/2].Release = &driver.Release{ID: "zopl7c"}
	saves := save(rows[targets/2])
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return []number{
		{what: "10,000 targets: load", got: loads.Seconds(), may: 1, unit: "s"},
		{what: "the same: save one", got: milliseconds(saves), may: 50, unit: "ms"},
	}
}
