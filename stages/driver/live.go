package driver

import (
	"encoding/json"
	"strings"
	"time"
)

// Live is what a target runs now. It is read when it is asked for and never
// stored.
type Live struct {
	// Release is what runs for the target's ordinary traffic, whatever share a
	// canary has. Its ID is empty where nothing runs: only the platform can say so.
	Release Release
	// Since is when it began to run there. It is zero where the platform does not
	// tell: the time of a target's last change, of whatever kind, is not it.
	Since time.Time
	// Shares say how the traffic is divided, whoever divided it, the target's own
	// release first. They sum to 100; there are none where nothing runs.
	Shares []Share
	// Pending is something newer that is on its way to the target and not over: a
	// release phase, a rollout. Nil where there is nothing. Nobody may conclude
	// from Release that the target will still run it.
	Pending *Release
	// Stands is the target as it was read, in the driver's own form, for a Prepare
	// that comes at once: [Change.Stands]. Nil where Facts.Ahead is false.
	Stands json.RawMessage `json:"-"`
}

// Share is a release's part of a target's traffic.
type Share struct {
	Release Release
	Percent string // decimal, "10.5"
	// Ours reports that Sluice gave it. Drivers leave it false: only the records
	// know, and who has them sets it.
	Ours bool
}

// Whole is what runs on a target where r has all of the traffic.
func Whole(r Release) Live {
	if r.ID == "" {
		return Live{}
	}
	return Live{Release: r, Shares: []Share{{Release: r, Percent: "100"}}}
}

// leastShort is from how many characters on the beginning of an id is taken for
// the id, as with git.
const leastShort = 7

// Called reports whether people may mean the release by s: its id, its name, or
// at least 7 characters of the beginning of its id. Several releases may be
// called the same; who looks one up says so.
func (r Release) Called(s string) bool {
	if s == "" {
		return false
	}
	return s == r.ID || s == r.Name || len(s) >= leastShort && strings.HasPrefix(r.ID, s)
}

// Is reports whether an id is the release's own or the one that it had where it
// came from.
func (r Release) Is(id string) bool { return id != "" && (id == r.ID || id == r.Origin) }

// Same reports whether two targets' releases are the same thing, whatever each of them
// calls it: one came from the other, or both from a third.
func (r Release) Same(o Release) bool {
	return r.Is(o.ID) || o.Is(r.ID) || r.Origin != "" && r.Origin == o.Origin
}

// IsCommand reports whether k is a word on what the platform is at already: on a rollout
// of its own, which only platforms whose [Facts] say Remote have, on a preview that waits
// (Approve, Reject), or on an operation that it can stop (Terminate).
func (k Kind) IsCommand() bool {
	switch k {
	case Approve, Reject, Advance, RetryJob, IgnoreJob, Cancel, Terminate:
		return true
	default:
		return false
	}
}
