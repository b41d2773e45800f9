package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/old/rollout"
)

// maxBegins is how often one effect is sent in one invocation, counting the
// first time. What had no effect three times is left to a later invocation.
const maxBegins = 3

// begins counts how often each effect was sent in this invocation. It is safe
// for concurrent use.
type begins struct {
	mu     sync.Mutex
	counts map[string]*attempts // by target and what is due
}

// attempts are those to have one effect on one target.
type attempts struct {
	sent int
	pace *backoff.ExponentialBackOff
}

// count notes that the task's effect is sent now.
func (b *begins) count(t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range t.slots {
		key := effectKey(s, t)
		if b.counts[key] == nil {
			b.counts[key] = &attempts{pace: quick()}
		}
		b.counts[key].sent++
	}
}

// forget ends the count: the platform has the effect.
func (b *begins) forget(t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range t.slots {
		delete(b.counts, effectKey(s, t))
	}
}

// next is how often the task's effect was sent, to any of its targets, and how
// long to wait before it may be again.
func (b *begins) next(t *task) (sent int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = quick().NextBackOff() // of what another invocation sent
	for _, s := range t.slots {
		if a := b.counts[effectKey(s, t)]; a != nil {
			sent, wait = max(sent, a.sent), max(wait, a.pace.NextBackOff())
		}
	}
	return sent, wait
}

// effectKey is an effect whichever call carries it: each attempt has a call of
// its own.
func effectKey(s *slot, t *task) string {
	due := s.dueOf(t)
	return fmt.Sprintf("%s/%s/%s/%s/%s", s.name(), due.Rollout, due.Phase, due.Job, due.Kind)
}

// again takes an effect back that provably did not happen. After a pause it is
// prepared anew and sent once more, where the wait budget and [maxBegins] allow
// that; else its targets wait for a later invocation. cause, where not nil, is
// the platform's word.
func (r *run) again(ctx context.Context, t *task, key, why string, cause error) {
	sent, wait := r.begins.next(t)
	wait = max(wait, retryAfter(cause))
	for _, s := range t.slots {
		r.withdraw(s, key, why)
	}
	if sent >= maxBegins || r.beyond(wait) {
		r.notNow(t, wait, fmt.Sprintf("sent %d times without effect: %s", max(sent, 1), why))
		return
	}
	r.Observer.Progress(t.slots[0].name(), fmt.Sprintf("%s; again in %s", why, wait.Round(time.Millisecond)))
	r.pause(ctx, wait)
}

// notNow leaves an effect that the platform does not take to a later invocation.
func (r *run) notNow(t *task, wait time.Duration, why string) {
	until := r.Now().Add(wait).UTC()
	for _, s := range t.slots {
		s.err = &pendingError{waiting: rollout.Waiting{Kind: rollout.WaitPlatform, Until: until, By: why, Command: "sluice reconcile"}}
	}
}
