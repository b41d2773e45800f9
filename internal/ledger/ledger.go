// Package ledger keeps an invocation's records: it loads them once, takes the
// lease of what the invocation works on and renews it, and saves in groups what
// the invocation hands it. It alone knows the store.
//
// Whose a target is stands in two places: the target's record names a run, and
// the run's own entry says until when that holds. Breaking a lease is a swap of
// the run's entry, so one swap frees whatever the run held.
package ledger

import (
	"context"
	"sync"

	"sluice/internal/store"
	"sluice/internal/work"
	"sluice/rollout"
)

// Config is what a ledger works with.
type Config struct {
	Store    store.Store
	Pipeline string
	Digest   string      // of the pipeline file; every record that is saved names it
	History  int         // how many finished rollouts a target's history keeps (state.history); 0 keeps all
	Run      rollout.Run // who this run is; ID, and what tells others who holds a target
	// Over says what became of another run. It is asked once a run, side by side. An
	// error counts as Alive and is told to whoever is refused. Nil: nobody can tell.
	Over func(context.Context, rollout.Run) (Fate, error)
	// Redact takes credentials out of text. Whatever is saved passes it; what an
	// older save let in is cleaned by the next. Nil leaves text as it is.
	Redact func(string) string
	// Anew has records of a format that was never released count as never written,
	// and be written over: what runs is imported in their place.
	Anew bool
	Work *work.Work
}

// Ledger is an invocation's hold on the state of one pipeline. Make one with
// [Open]; it is safe for concurrent use. The records it hands out and is handed
// belong to the caller: it touches them in the calls they are passed to alone.
type Ledger struct {
	ctx   context.Context // the invocation's: nothing is read or renewed after its end; saving has its grace
	lost  chan error
	fates *fates

	mu sync.Mutex
	book
	names   map[string]bool // those that the index names, by the version below
	namesOf string
	sweeps  bool // a record was saved so often that it is time to look for what nobody needs
	lease   lease
	closing chan struct{}
	queue   queue
}

// Open returns a ledger. It reads nothing, and makes no connection. ctx is the
// invocation's.
func Open(ctx context.Context, c Config) *Ledger {
	c.Run.Schema, c.Run.Pipeline = rollout.Schema, c.Pipeline
	l := &Ledger{
		ctx: ctx, lost: make(chan error, 1), closing: make(chan struct{}), fates: &fates{config: c, asked: map[string]answer{}},
		book: book{
			config: c, known: map[store.Key]stored{}, theirs: map[store.Key][]Theirs{}, unsure: map[store.Key][]store.Entry{},
			moved: map[string]*moving{}, held: map[string]bool{}, stale: map[store.Key]bool{}, broken: map[string]Taken{},
		},
	}
	l.underWay = func(k store.Key) bool { return l.queue.underWay[k] }
	return l
}

// Facts say what the store can do.
func (l *Ledger) Facts() store.Facts { return l.config.Store.Facts() }

// Where says where the last commits of this process went.
func (l *Ledger) Where() []store.Saved { return l.config.Store.Where() }

// Generation is the generation that an entry was last saved or loaded with.
func (l *Ledger) Generation(k Key) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[l.key(k)].generation
}

// Key names an entry of the pipeline's state.
type Key struct{ Kind, Name string }

// Target is the key of a target's record.
func Target(name string) Key { return Key{Kind: store.KindTarget, Name: name} }

// Promotion is the key of a promotion entry.
func Promotion(id string) Key { return Key{Kind: store.KindPromotion, Name: id} }

// Run is the key of a run's entry.
func Run(id string) Key { return Key{Kind: store.KindRun, Name: id} }

// history is the key of what is over on a target.
func history(target string) Key { return Key{Kind: store.KindHistory, Name: target} }

// index is the key of the pipeline's index.
func index() Key { return Key{Kind: store.KindIndex, Name: "targets"} }

// of is the key of an entry of the store.
func of(k store.Key) Key { return Key{Kind: k.Kind, Name: k.Target} }
