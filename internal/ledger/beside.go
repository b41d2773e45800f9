package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

const (
	// besideTries is how often what is saved beside another run's lease is tried
	// because that run was faster.
	besideTries = 30
	// besidePause is how long the first tries are apart, at most; the last ones are
	// besideLonger apart.
	besidePause, besideLonger = 200 * time.Millisecond, 3 * time.Second

	// The first looks of WaitFree are freeFirst apart, later ones up to freeLast:
	// reading a state branch costs one request of 1,000 an hour.
	freeFirst, freeLast = 2 * time.Second, 20 * time.Second
)

// SaveBeside saves blocks, orders and events of targets, whoever holds them.
// change is called with each target's record as it is stored, again whenever
// somebody else was first: it must do nothing where its change is there already,
// and its error ends the call. A record that was never saved is made with fresh.
// It returns the records as they were last stored. Errors: that of change;
// [*ConflictError] where others were always faster; [*UnreadableError]; the end of
// ctx. Beside an error some targets may be saved.
func (l *Ledger) SaveBeside(ctx context.Context, targets []string, fresh func(target string) rollout.Record, change func(*rollout.Record) error) (map[string]*rollout.Record, error) {
	done := map[string]*rollout.Record{}
	b := beside{l, fresh, change, done}
	pause := besidePause
	for range besideTries {
		err := b.once(ctx, left(targets, done))
		if err == nil || !IsConflict(err) {
			return done, err
		}
		if err := l.config.Work.Sleep(ctx, rand.N(pause)); err != nil {
			return done, err
		}
		pause = min(pause*3/2, besideLonger)
	}
	lost := &store.ConflictError{}
	for _, t := range left(targets, done) {
		lost.Keys = append(lost.Keys, l.key(Target(t)))
	}
	return done, lost
}

func left(targets []string, done map[string]*rollout.Record) []string {
	return slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return done[t] != nil })
}

// beside saves a change of records, whoever holds them; done are those that are stored
// as wanted.
type beside struct {
	*Ledger
	fresh  func(target string) rollout.Record
	change func(*rollout.Record) error
	done   map[string]*rollout.Record
}

// once tries once, one set a target.
func (l beside) once(ctx context.Context, targets []string) error {
	s, err := l.Load(ctx, targets...)
	if err != nil {
		return err
	}
	var sets []*set
	var changed []*rollout.Record
	for _, t := range targets {
		r := s.Records[t]
		if r == nil {
			made := l.fresh(t)
			r = &made
		}
		before := r.Clone()
		if err := l.change(r); err != nil {
			return err
		}
		one, err := l.draft(before, r)
		if err != nil {
			return err
		}
		if one == nil {
			l.done[t] = r
			continue
		}
		sets, changed = append(sets, one), append(changed, r)
	}
	var errs []error
	for i, one := range l.submitAll(sets) {
		saved := <-one
		if saved.Err == nil {
			changed[i].Generation = l.Generation(Target(changed[i].Target))
			l.done[changed[i].Target] = changed[i]
		}
		errs = append(errs, saved.Err)
	}
	return Join(errs...)
}

// draft is a set that saves a record that was changed beside its lease;
// nil where nothing was.
func (l beside) draft(before rollout.Record, r *rollout.Record) (*set, error) {
	k := l.key(Target(r.Target))
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.known[k]
	if known.version != "" {
		was, err := encode(k, before, nil)
		if err != nil {
			return nil, err
		}
		is, err := encode(k, *r, nil)
		if err != nil {
			return nil, err
		}
		if same(was, is) {
			return nil, nil
		}
		if mine := before.Clone(); !rollout.Rebase(&mine, before, *r) {
			return nil, errors.New("more than blocks, orders and events was changed beside a lease: this is a mistake in sluice, report it")
		}
	}
	saved := *r
	saved.Generation = known.generation + 1
	d := &draft{key: k, beside: known.lease != l.config.Run.ID, lease: r.Lease, seen: known.generation, generation: saved.Generation}
	var err error
	d.data, err = l.encode(k, saved, d.beside && known.lease != "")
	s := newSet()
	s.drafts = []*draft{d}
	return s, err
}

// encode is a record as it is stored. Beside another run's lease only what
// may be changed there is cleaned: that run could not tell the rest from a change.
func (l beside) encode(k store.Key, r rollout.Record, beside bool) ([]byte, error) {
	data, err := encode(k, r, l.config.Redact)
	if !beside || l.config.Redact == nil || err != nil {
		return data, err
	}
	clean, err := decodeRecord(k, data)
	if err != nil {
		return nil, err
	}
	r.Blocks, r.Orders, r.Events = clean.Blocks, clean.Orders, clean.Events
	return encode(k, r, nil)
}

func (l *Ledger) submitAll(sets []*set) []<-chan Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]<-chan Saved, len(sets))
	for i, s := range sets {
		if out[i] = s.done; l.queue.closed {
			s.done <- Saved{Err: errClosed}
			continue
		}
		l.queue.add(s)
	}
	l.work()
	return out
}

// WaitFree waits until no other run holds the targets, at most until a time;
// then the error is a [*HeldError]. It looks seldom: after 2 seconds first, then
// less and less often, every 20 at last. Load them again afterwards. Other
// errors: [*UnreadableError]; the end of ctx.
func (l *Ledger) WaitFree(ctx context.Context, until time.Time, targets ...string) error {
	for pause := freeFirst; ; pause = min(pause*3/2, freeLast) {
		held, err := l.heldNow(ctx, targets)
		if err != nil || held == nil {
			return err
		}
		rest := until.Sub(l.config.Work.Now())
		if rest <= 0 {
			return held
		}
		if err := l.config.Work.Sleep(ctx, min(pause, rest)); err != nil {
			return err
		}
	}
}

// heldNow is who holds targets, as stored now; nil where nobody does.
func (l *Ledger) heldNow(ctx context.Context, targets []string) (held, err error) {
	keys := make([]Key, len(targets))
	for i, t := range targets {
		keys[i] = Target(t)
	}
	s, err := l.Fresh(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var records []*rollout.Record
	for _, t := range targets {
		if r := s.Records[t]; r != nil {
			records = append(records, r)
		}
	}
	var runs []Key
	for _, id := range leases(records) {
		if id != l.config.Run.ID {
			runs = append(runs, Run(id))
		}
	}
	holders, err := l.Fresh(ctx, runs...)
	if err != nil {
		return nil, err
	}
	byID := map[string]rollout.Run{}
	for id, r := range holders.Runs {
		byID[id] = *r
	}
	return l.fates.heldBy(ctx, records, byID), nil
}
