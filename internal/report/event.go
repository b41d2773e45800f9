package report

import (
	"strings"

	"sluice/internal/old/rollout"
	"sluice/internal/outside"
)

// Event says in words what a line of a target's history tells; "" for lines
// that only the bookkeeping needs.
func Event(e rollout.Event) string {
	text := happened(e)
	switch {
	case text == "", e.Phase == "":
		return text
	case strings.HasPrefix(e.Type, "phase."):
		return e.Phase + " " + text
	default:
		return e.Phase + ": " + text
	}
}

func happened(e rollout.Event) string {
	switch e.Type {
	case "rollout.created":
		return "rollout " + e.Rollout + " created" + said(e)
	case "phase.succeeded":
		return "succeeded"
	case "phase.advanced":
		return "advanced" + person(e)
	case "effect.succeeded":
		return effect(e)
	case "effect.asking":
		return "stops and asks" + said(e)
	case "effect.withdrawn":
		return "no effect" + said(e)
	case "effect.failed":
		return "failed" + said(e)
	case "job.failed":
		return strings.Replace(e.Message, e.Job+" failed in "+e.Phase, e.Job+" failed", 1) // the phase stands before it
	case "job.ignored", "job.retried":
		return e.Job + " " + strings.TrimPrefix(e.Type, "job.") + person(e) + said(e)
	case "approval.given":
		return "approved" + person(e) + said(e)
	case "rollout.approved":
		return "rollout " + e.Rollout + " is approved"
	case "rollout.failed":
		return "rollout " + e.Rollout + " failed" // its job said why
	case "rollout.succeeded", "rollout.cancelled", "rollout.rejected":
		return "rollout " + e.Rollout + " " + strings.TrimPrefix(e.Type, "rollout.") + said(e)
	case "lease.broken", "target.renamed", "target.locked", "target.unlocked", "release.abandoned":
		return strings.ReplaceAll(e.Type, ".", " ") + person(e) + said(e)
	default:
		return ""
	}
}

// Message is what a line of the history says beside its type: an effect in
// words, else its own message.
func Message(e rollout.Event) string {
	if e.Type == "effect.succeeded" {
		return effect(e)
	}
	return outside.Line(e.Message)
}

func said(e rollout.Event) string { return by(": ", e.Message) }

func person(e rollout.Event) string { return by(" by ", e.Actor) }

// effect says what was read back on the platform.
func effect(e rollout.Event) string {
	release := e.Info["release"] // the kinds are the drivers'
	switch e.Message {
	case "weight":
		if percent := e.Info["percent"]; percent != "" {
			return percent + " % of the traffic" + by(" to ", release)
		}
		return "its share of the traffic" + by(" to ", release)
	case "stable":
		return "all traffic" + by(" to ", release)
	case "deploy":
		return "deployed" + by(" ", release)
	case "disable":
		return "the canary is removed"
	case "rollback":
		return "back to what ran before" + by(": ", release)
	default:
		return "the platform was told to " + e.Message
	}
}
