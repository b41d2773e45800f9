package driver

import "context"

// Approver is what a driver is besides where its facts say Approves: its platform may
// ask for a person's approval of its own before what was sent goes out.
type Approver interface {
	// Approval says whether the platform asks for that on t, as t is set up now. It
	// only reads, in one request at most, and may need a permission that no other
	// method needs: Denied then.
	Approval(ctx context.Context, t Target) (bool, error)
}
