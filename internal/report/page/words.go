package page

import (
	"fmt"
	"math"
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/view"
	"sluice/rollout"
)

// tone is how something stands, and the class that colours it.
type tone string

const (
	good    tone = "good"
	working tone = "working"
	waits   tone = "waits"
	bad     tone = "bad"
	idle    tone = "idle"
)

// badge is a word with its colour.
func badge(t tone, word string) g.Node { return h.Span(h.Class("badge "+string(t)), text(word)) }

// standing is how a target stands, in a word.
func standing(t view.ReportedTarget) (tone, string) {
	switch {
	case t.Problem != "":
		return bad, "not asked"
	case t.Drift:
		return bad, "drift"
	case t.Status == rollout.PromotionFailed:
		return bad, "failed"
	case t.WaitingFor != nil && t.WaitingFor.Kind != view.WaitDue && t.WaitingFor.Kind != view.WaitRun:
		return waits, "waits"
	case t.Status == rollout.PromotionPending:
		return working, "under way"
	case len(t.BlockedBy) > 0:
		return waits, "blocked"
	case t.Runs == "":
		return idle, "empty"
	default:
		return good, "steady"
	}
}

// ended is how a rollout stands, in a word.
func ended(r view.ReportedRollout) (tone, string) {
	switch {
	case len(r.RolledBackBy) > 0:
		return bad, "rolled back"
	case r.State == rollout.StateSucceeded:
		return good, "succeeded"
	case r.State == rollout.StateFailed && r.Restored:
		return bad, "failed, restored"
	case r.State == rollout.StateFailed:
		return bad, "failed"
	case r.State == rollout.StateCancelled:
		return idle, "cancelled"
	case r.State == rollout.StateApprovalRejected:
		return idle, "rejected"
	case r.State == rollout.StatePendingApproval:
		return waits, "waits for approval"
	default:
		return working, "under way"
	}
}

// phaseTone is how a phase stands.
func phaseTone(s rollout.PhaseState) tone {
	switch s {
	case rollout.PhaseSucceeded:
		return good
	case rollout.PhaseInProgress:
		return working
	case rollout.PhaseFailed, rollout.PhaseAborted:
		return bad
	default:
		return idle
	}
}

// lasting is a duration for people: its two largest units.
func lasting(seconds float64) string {
	d := time.Duration(math.Round(seconds)) * time.Second
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
}

// counted is a number of things.
func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}
