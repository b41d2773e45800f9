package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// world is a pipeline's state and the runs that work on it.
type world struct {
	t      *testing.T
	memory *storetest.Memory
	// piecemeal saves entry by entry, as a store does that swaps and is not atomic.
	piecemeal bool
	// blind overwrites whatever is there, as a store does that cannot swap.
	blind bool
	fates map[string]ledger.Fate // what Over says of a run, by id

	mu    sync.Mutex
	asked map[string]int // how often Over was asked, by id
}

func newWorld(t *testing.T) *world {
	return &world{t: t, memory: storetest.NewMemory(), fates: map[string]ledger.Fate{}, asked: map[string]int{}}
}

// run is one invocation.
type run struct {
	*ledger.Ledger
	w      *world
	id     string
	store  *handle
	end    context.CancelFunc
	limits *work.Work
}

// start starts a run; change may give it more of a name.
func (w *world) start(id string, change ...func(*ledger.Config)) *run {
	ctx, end := context.WithCancel(w.t.Context())
	limits := work.Begin(ctx, work.Clock{}, work.Limits{})
	h := &handle{Memory: w.memory.Another(), w: w}
	c := ledger.Config{
		Store: h, Pipeline: "shop", Digest: "sha256:file", History: 3, Run: rollout.Run{ID: id, Actor: id + "'s actor"},
		Over: w.over, Work: limits,
	}
	for _, f := range change {
		f(&c)
	}
	r := &run{Ledger: ledger.Open(ctx, c), w: w, id: id, store: h, end: end, limits: limits}
	w.t.Cleanup(func() { end(); limits.End() })
	return r
}

// dies ends the run's process: it saves nothing any more, and lets go of nothing.
func (r *run) dies() {
	r.store.die()
	r.end()
}

func (w *world) over(_ context.Context, other rollout.Run) (ledger.Fate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[other.ID]++
	return w.fates[other.ID], nil
}

// handle is a run's own hold on the store.
type handle struct {
	*storetest.Memory
	w *world

	mu   sync.Mutex
	dead bool
	// commit and load, where set, take the place of the store's own.
	commit onCommit
	load   onLoad
	// log is what was committed, call by call, and how often something was loaded.
	log   [][]store.Key
	loads int
}

// onCommit and onLoad do what a store does in a test; next is what it would have
// done.
type (
	onCommit func(ctx context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error)
	onLoad   func(ctx context.Context, keys []store.Key, next loadFunc) ([]store.Entry, error)

	commitFunc func([]store.Entry) ([]store.Entry, error)
	loadFunc   func() ([]store.Entry, error)
)

// when changes what the store does from now on.
func (h *handle) when(commit onCommit, load onLoad) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commit, h.load = commit, load
}

var errDead = errors.New("the process is dead")

func (h *handle) die() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead = true
}

func (h *handle) Facts() store.Facts {
	f := h.Memory.Facts()
	f.Atomic = !h.w.piecemeal && !h.w.blind
	f.Swap = !h.w.blind
	return f
}

func (h *handle) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	h.mu.Lock()
	dead, load := h.dead, h.load
	h.loads++
	h.mu.Unlock()
	if dead {
		return nil, errDead
	}
	next := func() ([]store.Entry, error) { return h.Memory.Load(ctx, keys...) }
	if load != nil {
		return load(ctx, keys, next)
	}
	return next()
}

func (h *handle) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	h.mu.Lock()
	dead, commit := h.dead, h.commit
	keys := make([]store.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	h.log = append(h.log, keys)
	h.mu.Unlock()
	if dead {
		return nil, errDead
	}
	next := func(entries []store.Entry) ([]store.Entry, error) { return h.write(ctx, entries) }
	if commit != nil {
		return commit(ctx, entries, next)
	}
	return next(entries)
}

func (h *handle) write(ctx context.Context, entries []store.Entry) ([]store.Entry, error) {
	if h.w.blind {
		entries = h.overwrite(ctx, entries)
	}
	if !h.w.piecemeal && !h.w.blind {
		return h.Memory.Commit(ctx, entries...)
	}
	var saved []store.Entry
	lost := &store.ConflictError{}
	for _, e := range entries {
		one, err := h.Memory.Commit(ctx, e)
		var conflict *store.ConflictError
		if errors.As(err, &conflict) {
			lost.Keys = append(lost.Keys, conflict.Keys...)
			continue
		}
		if err != nil {
			return saved, err
		}
		saved = append(saved, one...)
	}
	if len(lost.Keys) > 0 {
		return saved, lost
	}
	return saved, nil
}

// overwrite makes entries the next ones, whatever is there.
func (h *handle) overwrite(ctx context.Context, entries []store.Entry) []store.Entry {
	out := make([]store.Entry, len(entries))
	for i, e := range entries {
		now, err := h.Memory.Load(ctx, e.Key)
		if out[i] = e; err == nil {
			out[i].Version = now[0].Version
			out[i].Generation = max(e.Generation, now[0].Generation+1)
		}
	}
	return out
}

// commits is how often the run asked the store to save something.
func (h *handle) commits() int { h.mu.Lock(); defer h.mu.Unlock(); return len(h.log) }

func (h *handle) loaded() int { h.mu.Lock(); defer h.mu.Unlock(); return h.loads }

// load is Load of targets; those that were never saved get a new record.
func (r *run) load(targets ...string) map[string]*rollout.Record {
	r.w.t.Helper()
	s, err := r.Load(r.w.t.Context(), targets...)
	if err != nil {
		r.w.t.Fatal(err)
	}
	for _, t := range targets {
		if s.Records[t] == nil {
			made := fresh(t)
			s.Records[t] = &made
		}
	}
	return s.Records
}

func fresh(target string) rollout.Record {
	return rollout.New("shop", driver.Target{Name: target, Stage: "prod", Platform: "fleet"})
}

// hold loads targets, takes them and saves them.
func (r *run) hold(targets ...string) map[string]*rollout.Record {
	r.w.t.Helper()
	records := r.load(targets...)
	list := sorted(records, targets)
	if _, err := r.Take(r.w.t.Context(), list...); err != nil {
		r.w.t.Fatal(err)
	}
	r.saves(list...)
	return records
}

func sorted(records map[string]*rollout.Record, targets []string) []*rollout.Record {
	list := make([]*rollout.Record, len(targets))
	for i, t := range targets {
		list[i] = records[t]
	}
	return list
}

func rows(records ...*rollout.Record) []ledger.Row {
	set := make([]ledger.Row, len(records))
	for i, r := range records {
		set[i].Record = r
	}
	return set
}

// saves saves records as one set, which must succeed.
func (r *run) saves(records ...*rollout.Record) ledger.Saved {
	r.w.t.Helper()
	saved := <-r.Save(rows(records...)...)
	if saved.Err != nil {
		r.w.t.Fatalf("%s cannot save: %v", r.id, saved.Err)
	}
	return saved
}

// is changes what only the holder may change of a record.
func is(r *rollout.Record, release string) *rollout.Record {
	r.Release = &driver.Release{ID: release}
	return r
}

func block(id string) rollout.Block {
	return rollout.Block{ID: id, Kind: rollout.BlockLock, Whom: rollout.Everybody, At: time.Now().UTC()}
}

// locks has another run save a block beside whatever lease there is.
func (w *world) locks(id string, targets ...string) {
	w.t.Helper()
	other := w.start("locker-" + id)
	defer other.closes()
	_, err := other.SaveBeside(w.t.Context(), targets, fresh, func(r *rollout.Record) error {
		return rollout.Apply(r, rollout.AddBlock{Block: block(id)}, time.Now())
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (r *run) closes() {
	r.w.t.Helper()
	if err := r.Close(); err != nil {
		r.w.t.Fatalf("%s cannot close: %v", r.id, err)
	}
	r.end()
	r.limits.End()
}

// record is what is stored of a target; nil where nothing is.
func (w *world) record(target string) *rollout.Record {
	w.t.Helper()
	e := w.entry(store.KindTarget, target)
	if e.Version == "" {
		return nil
	}
	r, err := rollout.Decode[rollout.Record](e.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Generation != e.Generation {
		w.t.Errorf("the record of %s says generation %d, its entry %d", target, r.Generation, e.Generation)
	}
	return &r
}

// stored is the entry of a run; nil where there is none.
func (w *world) stored(id string) *rollout.Run {
	w.t.Helper()
	e := w.entry(store.KindRun, id)
	if e.Version == "" {
		return nil
	}
	r, err := rollout.Decode[rollout.Run](e.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return &r
}

func (w *world) entry(kind, name string) store.Entry {
	w.t.Helper()
	entries, err := w.memory.Another().Load(w.t.Context(), store.Key{Pipeline: "shop", Kind: kind, Target: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries[0]
}

func isBlocked(r *rollout.Record, id string) bool {
	for _, b := range r.Blocks {
		if b.ID == id {
			return true
		}
	}
	return false
}

func isHeldBy(err error, id string) bool {
	var held *ledger.HeldError
	return errors.As(err, &held) && held.Run.ID == id
}

func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("t%04d", i)
	}
	return list
}
