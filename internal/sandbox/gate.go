package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"sluice/internal/guard"
)

// mostBody is the longest request body that an emulator is given.
const mostBody = 4 << 20

// gate stands before one emulator: it serves one request at a time, with the
// newest state, through the faults, into the journal.
type gate struct {
	serving  sync.Mutex // held by who serves
	mu       sync.Mutex
	waiting  []*turn // have come and are not served
	emulator Emulator
	keeper   *keeper
	faults   *faults
	journal  *journal
	kill     func()
}

// ServeHTTP answers r, or cuts its connection where a fault says so. What r
// changed is kept before that.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		http.Error(w, fmt.Sprintf("sandbox: reading the request: %v", err), http.StatusBadRequest)
		return
	}
	x := &exchange{request: r, body: body, answer: answer{header: http.Header{}}}
	if err := g.run(x); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if x.fault.Kind == FaultKillAfter {
		g.kill()
	}
	if body, hollow := x.fault.Kind.hollow(); hollow {
		x.answer.hollow(body)
	}
	if x.cuts() {
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}
	x.answer.send(w)
}

// run takes the exchange through the emulator and journals it.
func (g *gate) run(x *exchange) error {
	err := g.alone(func() (bool, error) {
		x.action = g.emulator.Classify(x.request, x.body)
		x.fault, _ = g.faults.next(g.emulator.Platform(), x.action)
		err := g.serve(x)
		moved := g.moved() // asked in any case: it answers for what went before
		return moved || x.action.Kind != Read || x.fault.Kind != "", err
	})
	if err != nil {
		x.answer.status = http.StatusInternalServerError
	}
	g.journal.add(x.journalled(g.emulator.Platform()))
	return err
}

// moved reports whether reading may have changed the emulator's state.
func (g *gate) moved() bool {
	m, knows := g.emulator.(Mover)
	return !knows || m.Moved()
}

// turn is work that waits for the emulator.
type turn struct {
	work func() (changes bool, err error)
	err  error
	over bool // err is set, and what work left is kept
}

// alone runs work on the emulator's newest state, with nobody else at it, and
// returns when what it left is kept, where it changed anything. Loading and
// keeping a state takes longer than most work: who comes first serves all who came
// meanwhile too, on one state. Waiting is for locks alone, never for a channel of
// another test's bubble.
func (g *gate) alone(work func() (changes bool, err error)) error {
	t := &turn{work: work}
	g.mu.Lock()
	g.waiting = append(g.waiting, t)
	g.mu.Unlock()
	g.serving.Lock()
	defer g.serving.Unlock()
	if !t.over {
		g.keep(g.take(t))
	}
	return t.err
}

// take is who waits now, and t, whose work nobody has done: who served it may
// have ended in the middle.
func (g *gate) take(t *turn) []*turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	turns := g.waiting
	g.waiting = nil
	if !slices.Contains(turns, t) {
		turns = append(turns, t)
	}
	return turns
}

// keep serves turns one after the other on one state. A turn that fails fails
// alone; a state that cannot be loaded or kept fails all.
func (g *gate) keep(turns []*turn) {
	err := g.keeper.do(func() (bool, error) {
		changed := false
		for _, t := range turns {
			t.err = guard.Do("serve a request", func() error {
				changes, err := t.work()
				changed = changed || changes
				return err
			})
			changed = changed || t.err != nil // nobody knows what it left
		}
		return changed, nil
	})
	for _, t := range turns {
		t.err, t.over = errors.Join(t.err, err), true
	}
}

// serve lets the emulator answer, unless the fault comes before that.
func (g *gate) serve(x *exchange) error {
	x.request.Body = io.NopCloser(bytes.NewReader(x.body))
	switch k := x.fault.Kind; k {
	case FaultKillBefore:
		g.kill()
		return nil
	case FaultDrop:
		return nil
	case FaultThrottle, FaultError, FaultDeny:
		g.emulator.Refuse(&x.answer, x.request, Refusal(k))
		return nil
	case FaultBusy:
		g.emulator.(Busier).Busy(&x.answer, x.request)
		return nil
	case FaultForeign:
		if err := g.emulator.(Intruder).Intrude(x.fault.Target); err != nil {
			return fmt.Errorf("sandbox: fault %s: %w", x.fault, err)
		}
	default:
		x.request = withFault(x.request, x.fault)
	}
	g.emulator.ServeHTTP(&x.answer, x.request)
	x.answer.WriteHeader(http.StatusOK) // where the emulator said nothing
	return nil
}

// exchange is one request on its way through a gate.
type exchange struct {
	request *http.Request
	body    []byte
	action  Action
	fault   Fault // zero for none
	answer  answer
}

// cuts reports whether the client gets no answer.
func (x *exchange) cuts() bool {
	switch x.fault.Kind {
	case FaultDrop, FaultCut, FaultKillBefore, FaultKillAfter:
		return true
	default:
		return false
	}
}

func (x *exchange) journalled(platform string) Request {
	return Request{
		Platform: platform,
		Method:   x.request.Method,
		Path:     x.request.URL.EscapedPath(),
		Query:    x.request.URL.RawQuery,
		Body:     string(x.body[:min(len(x.body), keptBody)]),
		Action:   x.action,
		Status:   x.answer.status,
		Fault:    x.fault.Kind,
	}
}

// answer holds a response back until the state behind it is kept.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter: the first status counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// hollow makes the answer one that claims success and says nothing.
func (a *answer) hollow(body string) {
	a.status = http.StatusOK
	a.header.Del("Content-Length")
	a.body.Reset()
	a.body.WriteString(body)
}

// send passes the answer on.
func (a *answer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	a.body.WriteTo(w) //nolint:errcheck // a client that went away is its own affair
}
