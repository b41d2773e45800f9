package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"sluice/canary"
	"sluice/internal/guard"
	"sluice/internal/transport"
	"sluice/stages/driver"
)

// programs is the driver.
type programs struct {
	env  driver.Env
	url  *url.URL // what answers in the place of every program; nil starts them
	http *http.Client

	begun Begun // of a trial; nil where it is none
}

var _ driver.Driver = (*programs)(nil)

// Open reads where programs are answered for. It starts nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	d := &programs{env: env}
	raw := env.Getenv(urlVariable)
	if raw == "" {
		return d, nil
	}
	if err := driver.CheckEndpoint(urlVariable, raw); err != nil {
		return nil, err
	}
	var err error
	d.http = &http.Client{Transport: env.Transport, CheckRedirect: transport.CheckRedirect}
	d.url, err = url.Parse(raw)
	return d, err
}

// standing is a target as the program says that it stands: what state keeps of it.
type standing struct {
	Stable  driver.Release  `json:"stable"`
	Canary  driver.Release  `json:"canary,omitzero"`
	Percent canary.Percent  `json:"percent,omitempty"`
	State   json.RawMessage `json:"state,omitempty"` // the program's own; nil of what is predicted
}

// split is how the traffic is divided.
func (s standing) split() canary.Split {
	return canary.Split{Stable: s.Stable.ID, Canary: s.Canary.ID, Percent: s.Percent}
}

// called is the release of an id that the standing knows, or what is said of it.
func (s standing) called(id string, unless driver.Release) driver.Release {
	for _, known := range []driver.Release{unless, s.Stable, s.Canary} {
		if known.ID == id {
			return known
		}
	}
	return driver.Release{ID: id}
}

// same reports whether nobody changed the target between two readings of it.
func (s standing) same(o standing) bool {
	return divided(s.split(), o.split()) && equal(s.State, o.State)
}

// divided reports whether two splits divide the traffic alike.
func divided(a, b canary.Split) bool {
	x, y := a.Shares(), b.Shares()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// seen is what the program answered to live.
type seen struct {
	standing
	pending driver.Release // on its way; its ID is empty where nothing is
	since   time.Time
}

// see asks what runs on a place.
func (d *programs) see(ctx context.Context, at place) (seen, error) {
	a, err := d.ask(ctx, at, request{Operation: live})
	if err != nil {
		return seen{}, err
	}
	r, _ := a.release() //nolint:errcheck // it was read
	s := seen{standing: standing{Stable: r.released(), State: a.State}, pending: a.Pending.released(), since: a.Since}
	if a.Canary != nil && !a.Canary.Percent.IsZero() {
		s.Canary, s.Percent = a.Canary.Release.released(), a.Canary.Percent
	}
	return s, nil
}

// Live asks each target's program, side by side.
func (d *programs) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	all := make([]driver.Live, len(targets))
	errs := guard.Each("reading what runs", d.env.AtOnce(), len(targets), func(i int) error {
		at, err := placeOf(targets[i])
		if err != nil {
			return err
		}
		s, err := d.see(ctx, at)
		if err != nil {
			return err
		}
		all[i] = s.live()
		return nil
	})
	return all, errs
}

// live is what was seen, for people and the engine.
func (s seen) live() driver.Live {
	l := driver.Live{Release: s.Stable, Since: s.since}
	for _, h := range s.split().Shares() {
		l.Shares = append(l.Shares, driver.Share{Release: s.called(h.Release, driver.Release{}), Percent: h.Percent.String()})
	}
	if s.pending.ID != "" {
		l.Pending = &s.pending
	}
	return l
}

// Resolve asks the program what a release is that somebody named.
func (d *programs) Resolve(ctx context.Context, t driver.Target, name string) (driver.Release, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Release{}, err
	}
	a, err := d.ask(ctx, at, request{Operation: resolve, Name: name})
	if err != nil {
		return driver.Release{}, err
	}
	r, _ := a.release() //nolint:errcheck // it was read
	found := r.released()
	if name != driver.Latest && !found.Called(name) {
		return driver.Release{}, d.failed(at, resolve, fmt.Errorf("it was asked for %q and answered %q, which is another release", name, found.ID))
	}
	return found, nil
}

// Make is Unsupported: what builds a release is the program's own affair.
func (d *programs) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &unsupportedError{
		text:   "a program makes no releases for sluice: they are made by what builds them",
		remedy: "build one there, and promote it by its id (`--release`), or by `--release latest` where the program knows the newest",
	}
}

// Operation is Unsupported: the protocol asks about effects that Sluice began.
func (d *programs) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, &unsupportedError{
		text:   "a program is asked about the effects that sluice began, and about no others",
		remedy: "look at what runs there (`sluice status`)",
	}
}
