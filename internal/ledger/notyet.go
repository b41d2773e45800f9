package ledger

import (
	"context"
	"time"

	"sluice/internal/store"
	"sluice/rollout"
)

// Load reads the records of targets, the promotions of their unfinished
// rollouts and the runs that hold them: one store call for the records and the
// index, one for the rest. What it returns takes the place of what was loaded
// before; what this run holds is as last saved. [*UnreadableError] where anything
// cannot be read, or is named by the index or by a record and is missing.
func (l *Ledger) Load(ctx context.Context, targets ...string) (*State, error) { panic("not yet") }

// LoadMembers adds to s the members of its promotions that it lacks, with what
// belongs to them.
func (l *Ledger) LoadMembers(ctx context.Context, s *State) error { panic("not yet") }

// LoadPromotions adds promotions to s by id; one that was never saved is left out.
func (l *Ledger) LoadPromotions(ctx context.Context, s *State, ids ...string) error {
	panic("not yet")
}

// Histories reads what is over, by target; a target without has none.
func (l *Ledger) Histories(ctx context.Context, targets ...string) (map[string]*rollout.History, error) {
	panic("not yet")
}

// Fresh reads entries as they are stored now, for proofs: batch members,
// siblings, a halt. They are only to be looked at, never to be saved.
func (l *Ledger) Fresh(ctx context.Context, keys ...Key) (*State, error) { panic("not yet") }

// Take makes records this run's in memory, the next save makes it so. What is
// free, ours, a lower attempt's of the same run, or a run's that is over is
// taken; else none is, and the errors are [*HeldError], one for each run.
func (l *Ledger) Take(ctx context.Context, records ...*rollout.Record) ([]Taken, error) {
	panic("not yet")
}

// Save saves a set of rows, all or none. The rows are encoded in the call: the
// caller may change them at once. What others saved beside our lease is taken
// over into the rows in the call too, where it is known already. What comes while
// a commit is under way is saved together by the next one.
func (l *Ledger) Save(set ...Row) <-chan Saved { panic("not yet") }

// SaveSets is [Ledger.Save] for several sets at once, which go into one commit.
func (l *Ledger) SaveSets(sets ...[]Row) []<-chan Saved { panic("not yet") }

// Into takes over into the caller's record what others saved beside its lease.
// It changes nothing where that was done.
func (t Theirs) Into(r *rollout.Record) { panic("not yet") }

// IntoPromotion is Into for a promotion entry.
func (t Theirs) IntoPromotion(p *rollout.Promotion) { panic("not yet") }

// Orders reads what others saved beside the lease of the targets that this run
// holds; it changes nothing. One store call.
func (l *Ledger) Orders(ctx context.Context) ([]Theirs, error) { panic("not yet") }

// SaveBeside saves blocks, orders and events of targets, whoever holds them.
// change is called with each target's record as it is stored, again whenever
// somebody else was first: it must do nothing where its change is there already.
// A record that was never saved is made with fresh. It returns the records as
// they were saved last.
func (l *Ledger) SaveBeside(ctx context.Context, targets []string, fresh func(target string) rollout.Record, change func(*rollout.Record) error) (map[string]*rollout.Record, error) {
	panic("not yet")
}

// WaitFree waits until no other run holds the targets, at most until a time;
// then the error is a [*HeldError]. It looks seldom: every few seconds first, then
// every 20. Load them again afterwards.
func (l *Ledger) WaitFree(ctx context.Context, until time.Time, targets ...string) error {
	panic("not yet")
}

// MayBegin reports whether an effect may begin: the lease is saved, not lost, and
// 60 s of it are left, by the monotonic clock as well as by the wall clock.
func (l *Ledger) MayBegin() bool { panic("not yet") }

// Lost is sent one error, a [*LostError], when the lease was lost.
func (l *Ledger) Lost() <-chan error { panic("not yet") }

// Generation is the generation that an entry was last saved or loaded with.
func (l *Ledger) Generation(k Key) int64 { panic("not yet") }

// Where says where the last commits of this process went.
func (l *Ledger) Where() []store.Saved { return l.Store.Where() }

// Facts say what the store can do.
func (l *Ledger) Facts() store.Facts { return l.Store.Facts() }

// Close saves what is queued, lets go of what this run holds, and takes its
// entry away. No save begins after it. Within the grace for saving where the
// invocation was interrupted. An error means that a lease ends by itself.
func (l *Ledger) Close(ctx context.Context) error { panic("not yet") }

// Error says who holds the targets.
func (e *HeldError) Error() string { panic("not yet") }

// Error says how the lease was lost.
func (e *LostError) Error() string { panic("not yet") }

// Unwrap gives the cause.
func (e *LostError) Unwrap() error { return e.Err }

// IsUnreadable reports whether err means that state cannot be read or written
// (exit 6), whatever else it means.
func IsUnreadable(err error) bool { return store.IsUnreadable(err) }

// IsConflict reports whether err means that another run was first (exit 5), and
// nothing worse.
func IsConflict(err error) bool { panic("not yet") }

// Join makes one error of several, the worst first: state that cannot be read or
// written, then lost races and leases, then the rest in their order. Nil where
// there is none.
func Join(errs ...error) error { panic("not yet") }
