package conform

import (
	"bytes"
	"io"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"sluice/stages"
	"sluice/stages/driver"
)

// stages are the platform as a new process sees it, through a transport.
func (b *Bench) stages(through http.RoundTripper) *stages.Stages {
	return stages.New(
		driver.Env{Getenv: func(name string) string { return b.Env[name] }, Now: b.Now, Transport: through},
		stages.Platform{Facts: b.Facts, Open: b.Open},
	)
}

// live is what runs on targets, asked for in one call, and how many requests that
// took.
func (b *Bench) live(targets ...driver.Target) ([]driver.Live, []error, int) {
	b.Helper()
	c := &counter{}
	live, errs := b.stages(c).Live(b.Context(), again(b, targets))
	if len(live) != len(targets) || len(errs) != len(targets) {
		b.Fatalf("asked about %d targets it answered about %d and %d", len(targets), len(live), len(errs))
	}
	return live, errs, c.sent()
}

// all are the members' targets and their sources, some of them twice.
func (b *Bench) all() []driver.Target {
	var targets []driver.Target
	for _, m := range b.Members {
		targets = append(targets, m.Target, m.Source)
	}
	return targets
}

// liveOfSeveral: what several targets run is what each alone runs, and asking for
// all of them takes no more requests than asking for each.
func liveOfSeveral(b *Bench) {
	targets := b.all()
	want, most := make([]driver.Live, len(targets)), 0
	for i, t := range targets {
		live, errs, sent := b.live(t)
		b.Must(errs[0])
		want[i], most = live[0], most+sent
	}
	b.effects(0, func() {
		live, errs, sent := b.live(targets...)
		for i, t := range targets {
			if errs[i] != nil || live[i].Release != want[i].Release || !live[i].Since.Equal(want[i].Since) || live[i].Pending != nil {
				b.Errorf("%s among several: %+v, %v; alone: %+v", t.Name, live[i], errs[i], want[i])
			}
			b.shares(live[i], map[string]string{live[i].Release.ID: "100"})
		}
		if sent > most {
			b.Errorf("%d requests for %d targets, %d for each alone", sent, len(targets), most)
		}
	})
}

// liveBesideTrouble: a target that is not there, and one whose keys are wrong, say
// nothing of the others.
func liveBesideTrouble(b *Bench) {
	wrong := b.Target()
	wrong.Config = []byte("[]")
	live, errs, _ := b.live(b.Target(), b.Unknown, b.Members[0].Source, wrong)
	b.Must(errs[0])
	b.Must(errs[2])
	if live[0].Release.ID != b.earlier.ID || !b.release.Is(live[2].Release.ID) {
		b.Errorf("beside a target that is not there: %+v", live)
	}
	if e := b.refused(errs[1], driver.NotFound); e.Target != b.Unknown.Name {
		b.Errorf("%v does not name the target %s", e, b.Unknown.Name)
	}
	b.refused(errs[3], driver.Invalid)
}

// liveShares: who has which share is told while a canary stands, to the digit.
func liveShares(b *Bench) {
	if !b.Facts.Supports(driver.Weight) {
		b.Skip("the platform splits no traffic")
	}
	change := b.change(b.Members[0])
	b.step(&change, driver.Weight)
	for _, targets := range [][]driver.Target{{b.Target()}, {b.Target(), b.Members[0].Source}} {
		live, errs, _ := b.live(targets...)
		b.Must(errs[0])
		if live[0].Release.ID != b.earlier.ID {
			b.Errorf("with a canary it runs %q, want %q", live[0].Release.ID, b.earlier.ID)
		}
		rest := "89.5"
		if b.Facts.Split.Whole {
			rest = "90"
		}
		b.shares(live[0], map[string]string{b.earlier.ID: rest, b.release.ID: b.share()})
	}
}

// liveAhead: what Live read of a target serves a Prepare that comes at once, which
// asks nothing and finds the same. What it read is not kept in the call.
func liveAhead(b *Bench) {
	live, errs, _ := b.live(b.all()...)
	b.Must(errs[0])
	if !b.Facts.Ahead {
		for _, l := range live {
			if l.Stands != nil {
				b.Errorf("the facts do not say that Live reads ahead, and it handed out %s", l.Stands)
			}
		}
		return
	}
	c := b.call(b.Facts.Kinds[0], b.change(b.Members[0]))
	want := b.Prepare(c)
	c.Changes[0].Stands = live[0].Stands
	asked := &counter{}
	got, err := b.through(asked).Prepare(b.Context(), c)
	b.Must(err)
	if n := asked.sent(); n != 0 || live[0].Stands == nil {
		b.Errorf("%d requests for what Live had read: %s", n, live[0].Stands)
	}
	if got.Call.Changes[0].Stands != nil || !bytes.Equal(got.Call.Data, want.Call.Data) || !reflect.DeepEqual(got.Before, want.Before) || !reflect.DeepEqual(got.After, want.After) {
		b.Errorf("with what Live had read it prepares %+v, else %+v", got, want)
	}
}

// shares compares who has which share with what is wanted. They sum to 100.
func (b *Bench) shares(live driver.Live, want map[string]string) {
	b.Helper()
	sum := new(big.Rat)
	for _, s := range live.Shares {
		if want[s.Release.ID] != s.Percent {
			b.Errorf("%q has %q of the traffic, want %q", s.Release.ID, s.Percent, want[s.Release.ID])
		}
		percent, ok := new(big.Rat).SetString(s.Percent)
		if !ok {
			b.Fatalf("%q is no decimal", s.Percent)
		}
		sum.Add(sum, percent)
	}
	if len(live.Shares) != len(want) || sum.Cmp(big.NewRat(100, 1)) != 0 {
		b.Errorf("%+v, want %v", live.Shares, want)
	}
}

// asksOnce: a driver asks once. Whatever request of a read fails, it is not sent
// again: who retries is above.
func asksOnce(b *Bench) {
	c := b.call(b.Facts.Kinds[0], b.change(b.Members[0]))
	if c.Kind.IsCommand() {
		b.Fatalf("a platform's first kind is %s", c.Kind)
	}
	reads := map[string]func(*stages.Target) error{
		"live":    func(t *stages.Target) error { _, err := t.Current(b.Context()); return err },
		"resolve": func(t *stages.Target) error { _, err := t.Resolve(b.Context(), b.release.ID); return err },
		"prepare": func(t *stages.Target) error { _, err := t.Prepare(b.Context(), again(b, c)); return err },
	}
	for what, read := range reads {
		clean := &counter{}
		b.Must(read(b.through(clean)))
		for n := 1; n <= clean.sent(); n++ {
			failing := &counter{fails: n}
			if err := read(b.through(failing)); err != nil {
				b.refused(err, driver.Retryable, driver.Lost, driver.Unknown)
			}
			if failing.sent() > clean.sent() {
				b.Errorf("%s: %d requests, %d of them after its request %d failed", what, failing.sent(), failing.sent()-n, n)
			}
			if again := failing.repeated(); again != "" {
				b.Errorf("%s: %s was sent again", what, again)
			}
		}
	}
}

// through is the first target over a transport.
func (b *Bench) through(transport http.RoundTripper) *stages.Target {
	b.Helper()
	t, err := b.stages(transport).Target(again(b, b.Target()))
	b.Must(err)
	return t
}

// counter counts requests, and fails one.
type counter struct {
	fails int // the request that is answered 503; 0 for none

	mu     sync.Mutex
	had    []string
	failed string
}

// RoundTrip implements [http.RoundTripper].
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	asked := r.Method + " " + r.URL.String()
	c.had = append(c.had, asked)
	fails := len(c.had) == c.fails
	if fails {
		c.failed = asked
	}
	c.mu.Unlock()
	if fails {
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Status: "503 Service Unavailable", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader("busy")), Request: r,
		}, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counter) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.had)
}

// repeated is the request that failed, where it was sent again right after it; ""
// where it was not.
func (c *counter) repeated() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 && c.fails < len(c.had) && c.had[c.fails] == c.failed {
		return c.failed
	}
	return ""
}
