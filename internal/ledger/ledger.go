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
	"time"

	"sluice/internal/store"
	"sluice/internal/work"
	"sluice/rollout"
)

const (
	// leaseTime is how long a lease lasts after it was taken or renewed.
	leaseTime = 15 * time.Minute
	// renewEvery is how often it is renewed while the run holds anything.
	renewEvery = 5 * time.Minute
	// leaseReserve is what must be left of a lease for anything to begin. It is
	// also how far apart the clocks of two machines may be, and what a new holder
	// waits for after the old lease's end before it concludes that an effect is
	// absent.
	leaseReserve = time.Minute
)

// Fate is what became of a run.
type Fate int

// The fates of a run.
const (
	// Alive: at work, or nobody can tell.
	Alive Fate = iota
	// Over: it has ended, by what is said of it; what it had begun may still reach
	// a platform until its lease ends.
	Over
	// Dead: its process is gone, seen on the machine itself.
	Dead
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
	Work *work.Work
}

// Ledger is an invocation's hold on the state of one pipeline. Make one with
// [Open]; it is safe for concurrent use. The records it hands out and is handed
// belong to the caller: it touches them in the calls they are passed to alone.
type Ledger struct {
	Config
	ctx context.Context // the invocation's: nothing is read or renewed after its end; saving has its grace

	mu sync.Mutex
}

// Open returns a ledger. It reads nothing, and makes no connection. ctx is the
// invocation's.
func Open(ctx context.Context, c Config) *Ledger { return &Ledger{Config: c, ctx: ctx} }

// State is what was read of a pipeline. What was never saved has no entry.
type State struct {
	Records    map[string]*rollout.Record    // by target
	Promotions map[string]*rollout.Promotion // by id: those of unfinished rollouts, and those asked for
	Runs       map[string]*rollout.Run       // by id: those that hold a target here; one that let go, or was swept away, has none
	Index      rollout.Index
}

// Key names an entry of the pipeline's state.
type Key struct{ Kind, Name string }

// Target is the key of a target's record.
func Target(name string) Key { return Key{Kind: store.KindTarget, Name: name} }

// Promotion is the key of a promotion entry.
func Promotion(id string) Key { return Key{Kind: store.KindPromotion, Name: id} }

// Run is the key of a run's entry.
func Run(id string) Key { return Key{Kind: store.KindRun, Name: id} }

// Row is one entry to be saved: one of its fields is set, Moved beside Record.
type Row struct {
	Record *rollout.Record
	// Moved is what [rollout.Seal] took out of the record: it is added to the
	// target's history together with this save.
	Moved     rollout.Moved
	Promotion *rollout.Promotion
	// Remove takes an entry away that was loaded: a target that was renamed, a
	// promotion that nothing names any more.
	Remove Key
}

// Saved is what became of a set.
type Saved struct {
	// Err is nil once all of the set is durable. [*HeldError], [*LostError] and
	// [*ConflictError]: another run was first (exit 5). [*UnreadableError]: it could
	// not be written, or nobody knows whether it was (exit 6). After an error the
	// records of the set are as the caller has them; before they are saved again
	// they must be loaded again where the error says that another run was first.
	Err error
	// Theirs is what others saved beside our lease: it was taken over into what is
	// durable. The caller takes it over with [Theirs.Into], and looks at it before
	// the target's next effect. It counts beside an error too.
	Theirs []Theirs
}

// Theirs is what somebody else saved of an entry since we did.
type Theirs struct {
	Key Key

	base, record      rollout.Record
	baseOf, promotion rollout.Promotion
}

// HeldError means that another run holds targets (exit 5).
type HeldError struct {
	Targets []string    // in the order asked about
	Run     rollout.Run // the holder; its ID alone where its entry cannot be told
	Why     error       // why nobody can tell whether the run is over; nil where that was not the question
}

// LostError means that this run's lease was taken, or could not be renewed in
// time (exit 5). Nothing may begin any more; what happened may still be saved.
type LostError struct {
	By  *rollout.Run // who broke it, as far as the state tells
	Err error
}

// Taken says from whom a target was taken over.
type Taken struct {
	Target string
	From   rollout.Run // its ID alone where the run let go, or was swept away
	Fate   Fate
	// AbsentAfter is when an effect that the old holder intended may be concluded
	// to be absent, as far as the lease goes: 60 s after its end. Zero where the
	// holder is dead.
	AbsentAfter time.Time
}

// ConflictError and UnreadableError are the store's.
type (
	ConflictError   = store.ConflictError
	UnreadableError = store.UnreadableError
)
