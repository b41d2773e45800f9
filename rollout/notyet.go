package rollout

import (
	"encoding/json"
	"time"

	"sluice/stages/driver"
)

func (t GoBack) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t DisableCanary) apply(r *Record, now time.Time) error { panic("not yet") }
func (t Vote) apply(r *Record, now time.Time) error          { panic("not yet") }
func (t Acknowledge) apply(r *Record, now time.Time) error   { panic("not yet") }
func (t AskAgain) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t Advance) apply(r *Record, now time.Time) error       { panic("not yet") }
func (t Cancel) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t RetryJob) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t IgnoreJob) apply(r *Record, now time.Time) error     { panic("not yet") }
func (t Retry) apply(r *Record, now time.Time) error         { panic("not yet") }
func (t AddBlock) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t EndBlock) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t AddOrder) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t EndOrder) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t CarryOut) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t Adopt) apply(r *Record, now time.Time) error         { panic("not yet") }
func (t Given) apply(r *Record, now time.Time) error         { panic("not yet") }
func (t TakeLease) apply(r *Record, now time.Time) error     { panic("not yet") }
func (t LetGo) apply(r *Record, now time.Time) error         { panic("not yet") }
func (t Intend) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t Answer) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t Unchanged) apply(r *Record, now time.Time) error     { panic("not yet") }
func (t Withdraw) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t Refuse) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t AskPerson) apply(r *Record, now time.Time) error     { panic("not yet") }
func (t LookedUp) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t Redate) apply(r *Record, now time.Time) error        { panic("not yet") }
func (t Stopped) apply(r *Record, now time.Time) error       { panic("not yet") }
func (t Reached) apply(r *Record, now time.Time) error       { panic("not yet") }
func (t StartJob) apply(r *Record, now time.Time) error      { panic("not yet") }
func (t PassJob) apply(r *Record, now time.Time) error       { panic("not yet") }
func (t FailJob) apply(r *Record, now time.Time) error       { panic("not yet") }
func (t Create) apply(r *Record, now time.Time) error        { panic("not yet") }

// Settle makes every transition of r that needs nothing but time: approvals that
// ran out, queued rollouts that may start, phases that are due or over,
// deadlines, ends, and what a block makes of what has not begun. It is idempotent
// and reports whether it changed anything. g is the group of the promotion at
// work; nil: it has no other targets.
func Settle(r *Record, g *Group, s Setting, now time.Time) bool { panic("not yet") }

// Next says what is due for r; it reads only, [Settle] goes first. g as there.
func Next(r *Record, g *Group, s Setting, now time.Time) Due { panic("not yet") }

// Change is what the next effect should make true of e's target.
func (e *Execution) Change(due Due) driver.Change { panic("not yet") }

// CallKey is the key of the next effect: the same for every attempt to send it,
// another one when a person has it applied again.
func (e *Execution) CallKey(due Due) string { panic("not yet") }

// Blocked finds the block that stops what is asked.
func Blocked(r *Record, q Question, now time.Time) (Block, bool) { panic("not yet") }

// BackFrom says what a target would go back from, and where to. promotion as in
// [GoBack.Of].
func (r *Record) BackFrom(promotion string) (from *Execution, goal Goal, err error) { panic("not yet") }

// Goals are what the target can go back to beside the baseline, newest first.
// h may be nil where it is not loaded.
func (r *Record) Goals(h *History) []Goal { panic("not yet") }

// WasGiven finds the rollout that a command with this id was given to.
func (r *Record) WasGiven(id string) (rollout string, ok bool) { panic("not yet") }

// Moved is what [Seal] took out of a record, for its [History].
type Moved struct {
	Rollouts []Execution
	Events   []Event
}

// Empty reports whether nothing moved.
func (m Moved) Empty() bool { return len(m.Rollouts)+len(m.Events) == 0 }

// Seal makes a changed record ready to be saved: etags, when it is due, and what
// is finished and no longer needed taken out. The generation is the ledger's.
func Seal(r *Record, g *Group, s Setting, now time.Time) Moved { panic("not yet") }

// Rebase takes over into mine what others saved beside its lease. base is what
// mine was last saved as, theirs what is stored now. It reports false, and
// changes nothing, where theirs differs in anything but blocks, orders, events
// and generation; else mine has theirs' generation and is to be saved again.
func Rebase(mine *Record, base, theirs Record) bool { panic("not yet") }

// PromotionStatus is a promotion target's status, in Heroku's words.
type PromotionStatus string

// The statuses of a promotion target.
const (
	PromotionPending   PromotionStatus = "pending"
	PromotionSucceeded PromotionStatus = "succeeded"
	PromotionFailed    PromotionStatus = "failed"
)

// ShareOf is what a target came to in a promotion; ok is false where it has no
// part in it. message says why it failed.
func (r *Record) ShareOf(promotion string) (status PromotionStatus, message string, ok bool) {
	panic("not yet")
}

// Error says plainly what was refused and why.
func (e *RefusedError) Error() string { panic("not yet") }

// SchemaError means that an entry has a format this version cannot read.
type SchemaError struct{ Found string }

// Error says what to do about it.
func (e *SchemaError) Error() string { panic("not yet") }

// Encode writes an entry as it is stored: a Record, Promotion, Run, History or
// Index. The same entry is always the same bytes; fields that this version does
// not know are written back as they were read, except inside the driver
// contract's own types.
func Encode[E Record | Promotion | Run | History | Index](e E) ([]byte, error) { panic("not yet") }

// Decode reads an entry. Text that is none, of another schema ([*SchemaError]),
// or at odds with itself is an error; nothing is guessed.
func Decode[E Record | Promotion | Run | History | Index](data []byte) (E, error) { panic("not yet") }

// Clone is a deep copy: what is done to it does not reach r.
func (r Record) Clone() Record { panic("not yet") }

var _ json.RawMessage
