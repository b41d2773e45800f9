package stages_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages"
	"sluice/stages/driver"
)

var errPlatform = errors.New("Invalid\nstage identifier")

// fake answers every method with err and counts them.
type fake struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (f *fake) called(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	return f.err
}

func (f *fake) Live(_ context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	for i := range targets {
		live[i], errs[i] = driver.Whole(driver.Release{ID: "r1"}), f.called("current")
	}
	return live, errs
}

func (f *fake) Resolve(_ context.Context, _ driver.Target, id string) (driver.Release, error) {
	return driver.Release{ID: id}, f.called("resolve")
}

func (f *fake) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	return driver.Prepared{Call: c}, f.called("prepare")
}

func (f *fake) Begin(_ context.Context, c driver.Call) (driver.Operation, error) {
	return driver.Operation{Call: c, Status: driver.Done}, f.called("begin")
}

func (f *fake) Lookup(context.Context, driver.Call) (driver.Verdict, driver.Operation, error) {
	return driver.Found, driver.Operation{Status: driver.Done}, f.called("lookup")
}

func (f *fake) Make(_ context.Context, _ driver.Target, description string) (driver.Release, error) {
	return driver.Release{ID: description}, f.called("make")
}

func (f *fake) Operation(_ context.Context, _ driver.Target, name string) (driver.Operation, time.Duration, error) {
	return driver.Operation{ID: name, Status: driver.Done}, 3 * time.Second, f.called("operation")
}

func (f *fake) Poll(_ context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	op.Status = driver.Done
	return op, 3 * time.Second, f.called("poll")
}

func (f *fake) Explain(error) driver.Explanation {
	return driver.Explanation{Code: driver.NotFound, RequestID: "abc-1", Remedy: "check the stage's name"}
}

func facts() driver.Facts {
	return driver.Facts{Platform: "moon", Kinds: []driver.Kind{driver.Deploy}, Batch: 2}
}

func platform(d driver.Driver, opened *int) stages.Platform {
	return stages.Platform{Facts: facts(), Open: func(context.Context, driver.Env) (driver.Driver, error) {
		*opened++
		return d, nil
	}}
}

func place(t *testing.T, s *stages.Stages) *stages.Target {
	t.Helper()
	target, err := s.Target(member("api"))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func member(name string) driver.Target {
	return driver.Target{Name: name, Stage: "production", Platform: "moon"}
}

func call(kind driver.Kind, targets ...driver.Target) driver.Call {
	c := driver.Call{Kind: kind}
	for _, t := range targets {
		c.Changes = append(c.Changes, driver.Change{Target: t})
	}
	return c
}

func TestOpensOnceWhenFirstUsed(t *testing.T) {
	opened, f := 0, &fake{}
	s := stages.New(driver.Env{}, platform(f, &opened))
	target := place(t, s)
	if got, ok := s.Facts("moon"); !ok || got.Batch != 2 || opened != 0 {
		t.Fatalf("Facts = %v, %v after %d openings; want the facts without opening", got, ok, opened)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if r, err := target.Current(t.Context()); err != nil || r.ID != "r1" {
				t.Errorf("Current = %v, %v", r, err)
			}
		})
	}
	all.Wait()
	if opened != 1 || len(f.calls) != 20 {
		t.Errorf("%d openings and %d calls, want 1 and 20", opened, len(f.calls))
	}
}

func TestPassesThrough(t *testing.T) {
	opened := 0
	target := place(t, stages.New(driver.Env{}, platform(&fake{}, &opened)))
	c := call(driver.Deploy, member("api"), member("web"))
	if r, err := target.Resolve(t.Context(), "r7"); err != nil || r.ID != "r7" {
		t.Errorf("Resolve = %v, %v", r, err)
	}
	if p, err := target.Prepare(t.Context(), c); err != nil || len(p.Call.Changes) != 2 {
		t.Errorf("Prepare = %v, %v", p, err)
	}
	op, err := target.Begin(t.Context(), c)
	if err != nil || op.Status != driver.Done {
		t.Errorf("Begin = %v, %v", op, err)
	}
	if v, op, err := target.Lookup(t.Context(), c); err != nil || v != driver.Found || op.Status != driver.Done {
		t.Errorf("Lookup = %v, %v, %v", v, op, err)
	}
	if next, wait, err := target.Poll(t.Context(), op); err != nil || wait != 3*time.Second || next.Status != driver.Done {
		t.Errorf("Poll = %v, %v, %v", next, wait, err)
	}
}

func TestWrapsOnce(t *testing.T) {
	opened := 0
	target := place(t, stages.New(driver.Env{}, platform(&fake{err: errPlatform}, &opened)))
	c := call(driver.Deploy, member("api"))
	_, current := target.Current(t.Context())
	_, resolve := target.Resolve(t.Context(), "r7")
	_, prepare := target.Prepare(t.Context(), c)
	_, begin := target.Begin(t.Context(), c)
	verdict, _, lookup := target.Lookup(t.Context(), c)
	_, _, poll := target.Poll(t.Context(), driver.Operation{Call: c})
	const rest = ": Invalid stage identifier (request id abc-1); check the stage's name"
	for op, err := range map[string]error{
		"read what runs": current, "find release r7": resolve, "prepare deploy": prepare,
		"deploy": begin, "look up deploy": lookup, "follow deploy": poll,
	} {
		if want := "production/api (moon): " + op + rest; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		e, ok := errors.AsType[*stages.Error](err)
		if !ok || e.Err != errPlatform { //nolint:errorlint // the platform's own error, not one that wraps it
			t.Errorf("%s: wrapped %v, want the platform's own error directly", op, e)
		}
		if got := stages.CodeOf(err); got != driver.NotFound {
			t.Errorf("%s: code %s", op, got)
		}
	}
	if verdict != driver.Undecided {
		t.Errorf("Lookup that failed says %s, want undecided", verdict)
	}
}

func TestRefusesBeforeTheDriver(t *testing.T) {
	elsewhere := member("api")
	elsewhere.Platform = "mars"
	tests := []struct {
		name string
		call driver.Call
		code driver.Code
		text string
	}{
		{"kind", call(driver.Weight, member("api")), driver.Unsupported, "moon cannot weight"},
		{"nothing", call(driver.Deploy), driver.Invalid, "this one 0"},
		{"too many", call(driver.Deploy, member("a"), member("b"), member("c")), driver.Invalid, "1 to 2 changes, this one 3"},
		{"other platform", call(driver.Deploy, elsewhere), driver.Invalid, "is on mars"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opened, f := 0, &fake{}
			target := place(t, stages.New(driver.Env{}, platform(f, &opened)))
			_, prepare := target.Prepare(t.Context(), tt.call)
			_, begin := target.Begin(t.Context(), tt.call)
			_, _, lookup := target.Lookup(t.Context(), tt.call)
			for _, err := range []error{prepare, begin, lookup} {
				if stages.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%v (%s), want %s with %q", err, stages.CodeOf(err), tt.code, tt.text)
				}
			}
			if len(f.calls) != 0 {
				t.Errorf("the driver saw %v", f.calls)
			}
		})
	}
}

func TestCancelledSendsNothing(t *testing.T) {
	opened, f := 0, &fake{}
	target := place(t, stages.New(driver.Env{}, platform(f, &opened)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := target.Begin(ctx, call(driver.Deploy, member("api")))
	if !errors.Is(err, context.Canceled) || stages.CodeOf(err) != driver.Retryable || len(f.calls) != 0 {
		t.Errorf("Begin = %v (%s) after calls %v", err, stages.CodeOf(err), f.calls)
	}
}

func TestOpeningFails(t *testing.T) {
	denied := &driver.OpenError{
		Explanation: driver.Explanation{Code: driver.Denied, Remedy: "set MOON_TOKEN"},
		Err:         errors.New("MOON_TOKEN is not set"),
	}
	tests := []struct {
		name string
		err  error
		code driver.Code
		want string
	}{
		{"plain", errors.New("bad endpoint"), driver.Invalid, "production/api (moon): read what runs: bad endpoint"},
		{"explained", denied, driver.Denied, "production/api (moon): read what runs: MOON_TOKEN is not set; set MOON_TOKEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opened := 0
			target := place(t, stages.New(driver.Env{}, stages.Platform{Facts: facts(), Open: func(context.Context, driver.Env) (driver.Driver, error) {
				opened++
				return nil, tt.err
			}}))
			for range 2 {
				_, err := target.Current(t.Context())
				if err == nil || err.Error() != tt.want || stages.CodeOf(err) != tt.code {
					t.Errorf("got %v (%s)", err, stages.CodeOf(err))
				}
			}
			if opened != 1 {
				t.Errorf("opened %d times, want once", opened)
			}
		})
	}
}

func TestOpeningCancelledIsTriedAgain(t *testing.T) {
	opened := 0
	target := place(t, stages.New(driver.Env{}, stages.Platform{Facts: facts(), Open: func(ctx context.Context, _ driver.Env) (driver.Driver, error) {
		opened++
		return &fake{}, ctx.Err()
	}}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.Current(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
	if _, err := target.Current(t.Context()); err != nil || opened != 2 {
		t.Errorf("got %v after %d openings, want it to open again", err, opened)
	}
}

func TestUnknownPlatform(t *testing.T) {
	_, err := stages.New(driver.Env{}).Target(member("api"))
	if stages.CodeOf(err) != driver.Unsupported {
		t.Errorf("got %v", err)
	}
	if stages.CodeOf(errPlatform) != driver.Unknown || stages.CodeOf(nil) != "" {
		t.Error("errors of others are unknown, no error has no code")
	}
}
