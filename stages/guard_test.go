package stages_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/guard"
	"sluice/internal/transport"
	"sluice/stages"
	"sluice/stages/driver"
)

// broken panics in every method, as over an answer that nobody expected.
type broken struct{ explains bool }

func (b broken) fall() { _ = map[string]*driver.Release{}["what runs"].ID }

func (b broken) Live(context.Context, []driver.Target) (live []driver.Live, errs []error) {
	b.fall()
	return
}

func (b broken) Resolve(context.Context, driver.Target, string) (r driver.Release, err error) {
	b.fall()
	return
}

func (b broken) Prepare(context.Context, driver.Call) (p driver.Prepared, err error) {
	b.fall()
	return
}

func (b broken) Begin(context.Context, driver.Call) (op driver.Operation, err error) {
	b.fall()
	return
}

func (b broken) Lookup(context.Context, driver.Call) (v driver.Verdict, op driver.Operation, err error) {
	b.fall()
	return
}

func (b broken) Make(context.Context, driver.Target, string) (r driver.Release, err error) {
	b.fall()
	return
}

func (b broken) Operation(context.Context, driver.Target, string) (op driver.Operation, wait time.Duration, err error) {
	b.fall()
	return
}

func (b broken) Poll(context.Context, driver.Operation) (op driver.Operation, wait time.Duration, err error) {
	b.fall()
	return
}

func (b broken) Explain(error) driver.Explanation {
	if !b.explains {
		b.fall()
	}
	return driver.Explanation{Code: driver.Retryable} // it must not be asked about a panic
}

func TestPanicIsAnError(t *testing.T) {
	for _, explains := range []bool{true, false} {
		opened := 0
		target := place(t, stages.New(driver.Env{}, platform(broken{explains}, &opened)))
		c := call(driver.Deploy, member("api"))
		_, current := target.Current(t.Context())
		_, resolve := target.Resolve(t.Context(), "r7")
		_, prepare := target.Prepare(t.Context(), c)
		_, begin := target.Begin(t.Context(), c)
		verdict, _, lookup := target.Lookup(t.Context(), c)
		_, _, poll := target.Poll(t.Context(), driver.Operation{Call: c})
		for op, err := range map[string]error{
			"read what runs": current, "find release r7": resolve, "prepare deploy": prepare,
			"deploy": begin, "look up deploy": lookup, "follow deploy": poll,
		} {
			if want := "production/api (moon): " + op + ": this is a mistake in sluice (" + op; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s…", err, want)
			}
			want := driver.Unknown // a read: worth another attempt
			if op == "deploy" {
				want = driver.Lost // it may have been sent
			}
			if got := stages.CodeOf(err); got != want {
				t.Errorf("%s: %s, want %s", op, got, want)
			}
			e, ok := errors.AsType[*stages.Error](err)
			if !ok || strings.Contains(err.Error(), "goroutine") || !strings.Contains(e.Stack(), "broken.fall") {
				t.Errorf("%s: the stack is for --debug, and for that alone: %v", op, err)
			}
		}
		if verdict != driver.Undecided {
			t.Errorf("a lookup that panics says %s", verdict)
		}
	}
}

// odd panics only when it explains.
type odd struct{ fake }

func (*odd) Explain(error) driver.Explanation { panic("no idea") }

func TestPanicWhileExplaining(t *testing.T) {
	opened := 0
	target := place(t, stages.New(driver.Env{}, platform(&odd{fake{err: errPlatform}}, &opened)))
	_, err := target.Current(t.Context())
	if !errors.Is(err, errPlatform) || !strings.Contains(err.Error(), "this is a mistake in sluice") || stages.CodeOf(err) != driver.Unknown {
		t.Errorf("%v (%s)", err, stages.CodeOf(err))
	}
	if _, err := target.Begin(t.Context(), call(driver.Deploy, member("api"))); stages.CodeOf(err) != driver.Lost {
		t.Errorf("an effect that nobody can explain: %v (%s)", err, stages.CodeOf(err))
	}
}

func TestPanicWhileOpening(t *testing.T) {
	target := place(t, stages.New(driver.Env{}, stages.Platform{Facts: facts(), Open: func(context.Context, driver.Env) (driver.Driver, error) {
		panic("no door")
	}}))
	for range 2 { // the lock is not kept
		_, err := target.Current(t.Context())
		if _, ok := errors.AsType[*guard.Mistake](err); !ok || stages.CodeOf(err) != driver.Unknown {
			t.Errorf("%v (%s)", err, stages.CodeOf(err))
		}
	}
}

// A sound driver's error has no stack.
func TestNoStackWithoutAPanic(t *testing.T) {
	opened := 0
	target := place(t, stages.New(driver.Env{}, platform(&fake{err: errPlatform}, &opened)))
	_, err := target.Current(t.Context())
	if e, ok := errors.AsType[*stages.Error](err); !ok || e.Stack() != "" {
		t.Errorf("%v", err)
	}
}

// courier reads, waits, and then sends; its errors it always calls lost.
type courier struct {
	fake
	client  *http.Client
	read    func()   // between the read and the effects
	effects []string // methods, in their order
}

func (c *courier) Begin(ctx context.Context, call driver.Call) (driver.Operation, error) {
	if err := c.send(ctx, http.MethodGet); err != nil {
		return driver.Operation{}, err
	}
	for n, method := range c.effects {
		if n == len(c.effects)-1 {
			c.read()
		}
		if err := c.send(ctx, method); err != nil {
			return driver.Operation{}, err
		}
	}
	return driver.Operation{Call: call, Status: driver.Done}, nil
}

func (c *courier) send(ctx context.Context, method string) error {
	r, err := http.NewRequestWithContext(ctx, method, "https://moon.example/apps", nil)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return errors.New("no answer") // a driver may well lose the cause
	}
	_, err = io.ReadAll(resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func (*courier) Explain(error) driver.Explanation {
	return driver.Explanation{Code: driver.Lost, Remedy: "wait"}
}

// moon answers every request, and counts those with an effect.
type moon struct{ effects atomic.Int64 }

func (m *moon) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		m.effects.Add(1)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// launch begins a call with a courier that is told to stop in between.
func launch(t *testing.T, stopInBetween bool, effects ...string) (sent int64, err error) {
	t.Helper()
	to, stop := &moon{}, make(chan struct{})
	c := &courier{effects: effects, read: func() {
		if stopInBetween {
			close(stop)
		}
	}}
	target := place(t, stages.New(driver.Env{Transport: to}, stages.Platform{Facts: facts(), Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
		c.client = &http.Client{Transport: env.Transport}
		return c, nil
	}}))
	_, err = target.Begin(stages.WithStop(t.Context(), stop), call(driver.Deploy, member("api")))
	return to.effects.Load(), err
}

func TestNoEffectAfterTheStop(t *testing.T) {
	if sent, err := launch(t, false, "PUT"); err != nil || sent != 1 {
		t.Fatalf("without a stop: %d effects, %v", sent, err)
	}
	sent, err := launch(t, true, "PUT")
	if sent != 0 || stages.CodeOf(err) != driver.Retryable || !stages.NotSent(err) {
		t.Errorf("%d effects, %v (%s): want provably none", sent, err, stages.CodeOf(err))
	}
	if want := "not sent: the run was told to stop"; err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %q", err, want)
	}
	sent, err = launch(t, true, "POST", "PUT")
	if sent != 1 || stages.CodeOf(err) != driver.Lost || stages.NotSent(err) {
		t.Errorf("%d effects, %v (%s): the first may have been the effect", sent, err, stages.CodeOf(err))
	}
}

func TestStoppedBeforeBegin(t *testing.T) {
	opened, f := 0, &fake{}
	target := place(t, stages.New(driver.Env{}, platform(f, &opened)))
	stop := make(chan struct{})
	close(stop)
	_, err := target.Begin(stages.WithStop(t.Context(), stop), call(driver.Deploy, member("api")))
	if !stages.NotSent(err) || len(f.calls) != 0 || opened != 0 {
		t.Errorf("%v after calls %v and %d openings", err, f.calls, opened)
	}
	if _, err := target.Current(stages.WithStop(t.Context(), stop)); err != nil {
		t.Errorf("a read after the stop: %v", err)
	}
	if stages.NotSent(nil) || stages.NotSent(errPlatform) {
		t.Error("other errors say nothing of the kind")
	}
}

// slow never comes to the end of its answer.
type slow struct{}

func (slow) RoundTrip(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
}

// Whatever a driver's own client forgets, the rules hold.
func TestDriversSendUnderTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, c := time.Now(), &courier{}
		target := place(t, stages.New(driver.Env{Transport: slow{}}, stages.Platform{Facts: facts(), Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
			c.client = &http.Client{Transport: env.Transport}
			return c, nil
		}}))
		_, err := target.Begin(t.Context(), call(driver.Deploy, member("api")))
		if _, ok := errors.AsType[*transport.DeadlineError](err); !ok || time.Since(began) != transport.WholeRequest {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
