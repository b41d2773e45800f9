package conform

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"

	"sluice/stages/driver"
)

func current(b *Bench) {
	b.effects(0, func() {
		for _, m := range b.Members {
			if r := b.Current(m.Source); !b.release.Is(r.ID) {
				b.Errorf("%s runs %q, want the source's %+v", m.Source.Name, r.ID, b.release)
			}
			if r := b.Current(m.Target); r.ID == "" || r.ID == b.release.ID {
				b.Errorf("%s runs %q, want an earlier release", m.Target.Name, r.ID)
			}
		}
	})
}

func resolve(b *Bench) {
	r, err := b.place(b.Target()).Resolve(b.Context(), b.release.ID)
	b.Must(err)
	// What its promotion makes has no time yet.
	if r.ID != b.release.ID || r.CreateTime.IsZero() && b.release.Origin == "" {
		b.Errorf("%+v, want %s with the time of its creation", r, b.release.ID)
	}
	_, err = b.place(b.Target()).Resolve(b.Context(), "nosuchrelease")
	b.refused(err, driver.NotFound, driver.Invalid)
}

func prepareChangesNothing(b *Bench) {
	kind := b.Facts.Kinds[0]
	c := b.Bring(kind)
	b.effects(0, func() {
		p := b.Prepare(c)
		name := b.Target().Name
		if p.Call.Key != c.Key || p.Call.Kind != kind || len(p.Call.Changes) != 1 {
			b.Errorf("the call became %+v", p.Call)
		}
		if !json.Valid(p.Before[name]) || !json.Valid(p.After[name]) {
			b.Errorf("before %q and after %q are not both JSON", p.Before[name], p.After[name])
		}
		if len(p.Requests) == 0 {
			b.Error("plan has no request to show")
		}
		data, err := json.Marshal(p.Call)
		b.Must(err)
		for _, secret := range b.Facts.Secrets {
			if value := b.Env[secret]; value != "" && strings.Contains(string(data), value) {
				b.Errorf("the call carries the value of %s into the state", secret)
			}
		}
	})
}

func unknownResource(b *Bench) {
	b.effects(0, func() {
		_, err := b.place(b.Unknown).Current(b.Context())
		e := b.refused(err, driver.NotFound)
		b.requestID(e.RequestID)
		if e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
		change := b.change(Member{Target: b.Unknown, Source: b.Members[0].Source})
		p, err := b.place(b.Unknown).Prepare(b.Context(), b.call(b.Facts.Kinds[0], change))
		if err != nil {
			b.refused(err, driver.NotFound)
		} else if !stops(p, driver.Refuse) {
			b.Errorf("a target that is not there is prepared: %+v", p)
		}
	})
}

func nothingRuns(b *Bench) {
	if b.Empty == nil {
		b.Skip("something always runs there")
	}
	if r := b.Current(*b.Empty); r.ID != "" {
		b.Errorf("%s runs %q, want nothing", b.Empty.Name, r.ID)
	}
	p := b.Prepare(b.call(driver.Deploy, b.change(Member{Target: *b.Empty, Source: b.Members[0].Source})))
	if len(p.First) != 1 || p.First[0] != b.Empty.Name {
		b.Errorf("first deployments: %v, want %s", p.First, b.Empty.Name)
	}
}

func wrongCredentials(b *Bench) {
	if b.Rejected == nil {
		b.Skip("the fake platform asks for none")
	}
	b.effects(0, func() {
		place := b.placeWith(b.Target(), b.Rejected)
		_, err := place.Current(b.Context())
		e := b.refused(err, driver.Denied)
		b.requestID(e.RequestID)
		if e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
		_, err = place.Prepare(b.Context(), b.call(b.Facts.Kinds[0], b.change(b.Members[0])))
		b.refused(err, driver.Denied)
	})
}

// clearText refuses an endpoint that would get credentials unencrypted.
func clearText(b *Bench) {
	if b.NoEndpoint != "" {
		b.Skip(b.NoEndpoint)
	}
	over := b.endpoints("http://192.0.2.1") // documentation's own network: nobody is there
	_, err := b.placeWith(b.Target(), over).Current(b.Context())
	if e := b.refused(err, driver.Invalid); !strings.Contains(e.Error(), "https") {
		b.Errorf("%v does not say what would be right", e)
	}
}

// refusedDial: nobody listens, so nothing was sent.
func refusedDial(b *Bench) {
	if b.NoEndpoint != "" {
		b.Skip(b.NoEndpoint)
	}
	var free net.ListenConfig
	l, err := free.Listen(b.Context(), "tcp", "127.0.0.1:0")
	b.Must(err)
	nobody := l.Addr().String()
	b.Must(l.Close())
	p := b.Prepare(b.Bring(b.Facts.Kinds[0]))
	b.effects(0, func() {
		over := b.endpoints("http://" + nobody)
		_, err := b.placeWith(b.Target(), over).Begin(b.Context(), p.Call)
		b.refused(err, driver.Retryable)
	})
}

// endpoints points every variable that holds the platform's URL elsewhere.
func (b *Bench) endpoints(url string) map[string]string {
	b.Helper()
	over := map[string]string{}
	for name, value := range b.Env {
		if rest, ok := strings.CutPrefix(value, "http://127.0.0.1"); ok {
			_, path, found := strings.Cut(rest, "/")
			over[name] = url
			if found {
				over[name] += "/" + path
			}
		}
	}
	if len(over) == 0 {
		b.Fatal("the harness reaches its platform by no variable")
	}
	return over
}

func undeclaredKinds(b *Bench) {
	b.effects(0, func() {
		for _, kind := range kinds() {
			if b.Facts.Supports(kind) {
				continue
			}
			c := b.call(kind, b.change(b.Members[0]))
			_, err := b.place(b.Target()).Prepare(b.Context(), c)
			b.refused(err, driver.Unsupported)
			_, err = b.place(b.Target()).Begin(b.Context(), c)
			b.refused(err, driver.Unsupported)
		}
	})
}

// foreign: somebody else was there since the rollout's last effect.
func foreign(b *Bench) {
	if b.Intrude == nil {
		b.Skip("the platform cannot tell")
	}
	kind := b.Facts.Kinds[0]
	change := b.change(b.Members[0])
	change.Expected = b.Prepare(b.call(kind, change)).Before[b.Target().Name]
	b.Must(b.Intrude(b.Target().Name))
	b.effects(0, func() {
		p, err := b.place(b.Target()).Prepare(b.Context(), b.call(kind, change))
		b.Must(err)
		if !stops(p, driver.Foreign) {
			b.Errorf("findings %+v, want foreign", p.Findings)
		}
		change.Options.Resolved = true
		p, err = b.place(b.Target()).Prepare(b.Context(), b.call(kind, change))
		b.Must(err)
		if stops(p, driver.Foreign) {
			b.Errorf("a person decided, and still %+v", p.Findings)
		}
	})
}

// foreignWhileLost: a call was never sent, and meanwhile somebody else was there.
func foreignWhileLost(b *Bench) {
	if b.Intrude == nil {
		b.Skip("the platform cannot tell")
	}
	p := b.Prepare(b.Bring(b.Facts.Kinds[0]))
	b.Must(b.Intrude(b.Target().Name))
	verdict, op := b.decide(p.Call)
	if verdict != driver.ForeignChange {
		b.Fatalf("%s, want foreign", verdict)
	}
	if r, ok := op.Results[b.Target().Name]; !ok || r.Release.ID == "" || r.Outcome == driver.Succeeded {
		b.Errorf("what stands is %+v", op.Results)
	}
}

// batch: several targets, one effect, a result for each.
func batch(b *Bench) {
	if b.Facts.BatchSize() == 1 {
		b.Skip("one change in one call")
	}
	if len(b.Members) < 2 {
		b.Fatal("the harness has one member; a batch needs two")
	}
	var changes []driver.Change
	for _, m := range b.Members[:min(len(b.Members), b.Facts.BatchSize())] {
		changes = append(changes, b.change(m))
	}
	b.effects(1, func() {
		p, op := b.do(b.call(b.Facts.Kinds[0], changes...))
		b.succeeded(p.Call, op)
	})
	for _, change := range changes {
		if r := b.Current(change.Target); r.ID != b.release.ID {
			b.Errorf("%s runs %q", change.Target.Name, r.ID)
		}
	}
	p := b.Prepare(b.call(b.Facts.Kinds[0], changes...))
	if len(p.Unchanged) != len(changes) || len(p.Call.Changes) != 0 {
		b.Errorf("a second time %v are unchanged and %v are not", p.Unchanged, p.Call.Names())
	}
}

func concurrent(b *Bench) {
	place := b.place(b.Target())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if r, err := place.Current(b.Context()); err != nil || r.ID != b.earlier.ID {
				b.Errorf("%+v, %v", r, err)
			}
		})
	}
	all.Wait()
}

// otherErrors: what a driver does not know is never said to be without effect.
func otherErrors(b *Bench) {
	d, err := b.Open(b.Context(), driver.Env{Getenv: func(name string) string { return b.Env[name] }, Now: b.Now})
	b.Must(err)
	if x := d.Explain(errors.New("something else")); x.Code != driver.Lost && x.Code != driver.Unknown {
		b.Errorf("an unknown error is %s", x.Code)
	}
}

func (b *Bench) requestID(id string) {
	b.Helper()
	if b.RequestIDs && id == "" {
		b.Error("the error does not carry the platform's request id")
	}
}

// stops reports whether a finding of the severity is among the prepared's.
func stops(p driver.Prepared, s driver.Severity) bool {
	for _, f := range p.Findings {
		if f.Severity == s && f.Message != "" {
			return true
		}
	}
	return false
}
