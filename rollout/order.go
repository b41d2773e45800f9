package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The commands that an [Order] may carry.
const (
	OrderCancel        = "cancel"
	OrderReject        = "reject"
	OrderRollback      = "rollback"
	OrderDisableCanary = "disable-canary"
	OrderAdvance       = "advance"
	OrderTerminate     = "terminate"
)

// Order is a command to a target that a live run holds, saved beside its lease.
// One to go back stops the holder: it begins nothing more, finishes what is
// under way and lets go; whoever ordered acts then. After WaitsUntil the holder
// carries it out itself ([CarryOut]). Advance lets the holder begin the next phase,
// terminate has it end a job that is at work.
type Order struct {
	ID         string         `json:"id"`
	Command    string         `json:"command"`
	Rollout    string         `json:"rollout,omitzero"`   // "" the one at work
	Phase      string         `json:"phase,omitzero"`     // advance, terminate
	Job        string         `json:"job,omitzero"`       // terminate
	Jump       bool           `json:"jump,omitzero"`      // advance: to a later phase than the next
	Promotion  string         `json:"promotion,omitzero"` // that what it makes belongs to; "" one named by ID
	Release    string         `json:"release,omitzero"`   // rollback: the goal; "" the baseline
	By         string         `json:"by"`
	RunURL     string         `json:"runURL,omitzero"`
	Reason     string         `json:"reason,omitzero"`
	At         time.Time      `json:"at"`
	WaitsUntil time.Time      `json:"waitsUntil,omitzero"` // so long the one who ordered waits
	Person     bool           `json:"person,omitzero"`
	Overrides  []string       `json:"overrides,omitempty"`
	Teams      []string       `json:"teams,omitempty"` // reject: teams of the approvers whose member it is
	Unknown    jsontext.Value `json:",embed"`
}

// Back reports whether the order goes back: the holder then lets go.
func (o Order) Back() bool { return o.Command != OrderAdvance && o.Command != OrderTerminate }

// Orders are those given to a target and not carried out, the oldest first.
type Orders []Order

// Back is the oldest order to go back; [Next] then says [ActionYield] where it would
// begin something.
func (given Orders) Back() (Order, bool) {
	for _, o := range given {
		if o.Back() {
			return o, true
		}
	}
	return Order{}, false
}
