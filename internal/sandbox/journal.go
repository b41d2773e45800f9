package sandbox

import (
	"slices"
	"sync"
)

// What the journal keeps: enough for any rehearsal, bounded for a sandbox that
// serves for weeks.
const (
	keptRequests = 10_000
	keptBody     = 64 << 10 // bytes of a request's body
)

// Request is one request as the journal has it.
type Request struct {
	Platform string
	Method   string
	Path     string // as escaped on the wire
	Query    string // undecoded
	Body     string // at most the first 64 KiB
	Action   Action
	Status   int       // what the emulator answered; 0 where it was never asked
	Fault    FaultKind // what spoiled the request; "" for nothing
}

// Effect is a change that took effect on a platform, whether or not its answer
// reached the client.
type Effect struct {
	Platform string
	Targets  []string // the platform's key where no pipeline names the resource
	Kind     string
}

// effect is the effect that r had, if any.
func (r Request) effect() (Effect, bool) {
	if r.Action.Kind == Read || r.Status < 200 || r.Status > 299 {
		return Effect{}, false
	}
	targets := r.Action.Targets
	if len(targets) == 0 {
		targets = []string{r.Platform}
	}
	return Effect{Platform: r.Platform, Targets: slices.Clone(targets), Kind: r.Action.Kind}, true
}

// journal is the newest requests and effects, oldest first.
type journal struct {
	mu       sync.Mutex
	requests []Request
}

func (j *journal) add(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.requests) == keptRequests {
		j.requests = slices.Delete(j.requests, 0, keptRequests/10)
	}
	j.requests = append(j.requests, r)
}

func (j *journal) list() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.requests)
}
