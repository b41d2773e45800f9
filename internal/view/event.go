package view

import (
	"strconv"
	"strings"

	"sluice/internal/outside"
	"sluice/rollout"
)

// Event says in words what a line of a target's history tells; "" for lines that
// only the bookkeeping needs.
func Event(e rollout.Event) string {
	text := happened(e)
	switch {
	case text == "", e.Phase == "", strings.HasPrefix(e.Type, "order."):
		return text
	case strings.HasPrefix(e.Type, "phase."):
		return e.Phase + " " + text
	default:
		return e.Phase + ": " + text
	}
}

func happened(e rollout.Event) string {
	switch family, _, _ := strings.Cut(e.Type, "."); family {
	case "rollout":
		return happenedToRollout(e)
	case "effect":
		return happenedToEffect(e)
	case "block":
		return happenedToBlock(e)
	case "order":
		return happenedToOrder(e)
	case "automation":
		return happenedByRule(e)
	case "phase":
		return happenedToPhase(e)
	}
	switch e.Type {
	case "job.failed":
		return strings.Replace(e.Message, e.Job+" failed in "+e.Phase, e.Job+" failed", 1) // the phase stands before it
	case "job.ignored", "job.retried":
		return e.Job + " " + strings.TrimPrefix(e.Type, "job.") + person(e) + said(e)
	case "approval.given":
		return emergency(e) + "approved" + person(e) + said(e)
	case "approval.expired":
		return "the approval ran out" + said(e)
	case "approval.asked":
		return "approval is asked for again" + person(e)
	case "approval.acknowledged":
		return "the emergency approval is acknowledged" + person(e) + said(e)
	case "lease.broken", "target.renamed":
		return strings.ReplaceAll(e.Type, ".", " ") + person(e) + said(e)
	default:
		return ""
	}
}

func happenedToPhase(e rollout.Event) string {
	switch e.Type {
	case "phase.succeeded":
		return "succeeded"
	case "phase.skipped":
		return "skipped" + said(e)
	case "phase.advanced":
		return "advanced" + person(e)
	default:
		return ""
	}
}

func happenedByRule(e rollout.Event) string {
	if e.Type == "automation.repair" {
		return "repaired by a rule" + said(e)
	}
	return "goes back by the rule of " + e.Message
}

func emergency(e rollout.Event) string {
	if _, is := e.Info["emergency"]; is {
		return "in an emergency "
	}
	return ""
}

func happenedToRollout(e rollout.Event) string {
	name := "rollout " + e.Rollout
	switch e.Type {
	case "rollout.created":
		return name + " created" + said(e)
	case "rollout.approved":
		return name + " is approved"
	case "rollout.failed":
		return name + " failed" // its job said why
	case "rollout.succeeded", "rollout.cancelled", "rollout.rejected", "rollout.withdrawn":
		return name + " " + strings.TrimPrefix(e.Type, "rollout.") + said(e)
	case "rollout.stopped":
		return "cannot go on now" + said(e)
	default:
		return ""
	}
}

func happenedToEffect(e rollout.Event) string {
	switch e.Type {
	case "effect.succeeded":
		return effect(e)
	case "effect.asking":
		return "stops and asks" + said(e)
	case "effect.withdrawn":
		return "not sent" + said(e)
	case "effect.failed":
		return "failed" + said(e)
	default:
		return ""
	}
}

func happenedToBlock(e rollout.Event) string {
	which := e.Info["block"] + by(" of release ", e.Info["release"])
	switch e.Type {
	case "block.placed":
		return "block " + which + " placed" + by(" by ", placer(e)) + said(e) + began(e)
	case "block.ended":
		return "block " + which + " ended" + person(e) + said(e)
	case "block.passed":
		return "block " + which + " passed" + person(e) + said(e)
	default:
		return ""
	}
}

func happenedToOrder(e rollout.Event) string {
	command := e.Info["command"]
	switch e.Type {
	case "order.given":
		return command + " ordered" + person(e) + said(e)
	case "order.done":
		return command + " done, as ordered" + person(e)
	case "order.unchanged":
		return command + " was not needed" + said(e)
	case "order.refused":
		return command + " could not be done" + said(e)
	default:
		return ""
	}
}

// Message is what a line of the history says beside its type: an effect in
// words, which block or order, else its own message.
func Message(e rollout.Event) string {
	switch family, _, _ := strings.Cut(e.Type, "."); {
	case e.Type == "effect.succeeded":
		return effect(e)
	case family == "order":
		return outside.Line(e.Info["command"] + said(e))
	case family == "block":
		return outside.Line(e.Info["block"] + by(" of release ", e.Info["release"]) + said(e) + began(e))
	}
	return outside.Line(e.Message)
}

// placer is who placed a block: traffic that is put back by itself leaves one that nobody
// asked for.
func placer(e rollout.Event) string {
	if e.Actor == "" && e.Info["kind"] == string(rollout.BlockRestored) {
		return itself
	}
	return e.Actor
}

// itself is who puts traffic back where no person and no run said so.
const itself = "Sluice itself"

// began says who began what traffic was put back from.
func began(e rollout.Event) string {
	if e.Type != "block.placed" || e.Info["began"] == "" {
		return ""
	}
	return "; the promotion was begun by " + e.Info["began"]
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
	case "host":
		return "a place for testers" + by(" runs ", release)
	case "route":
		return "testers are led" + by(" to ", release)
	case "unroute":
		return "testers are led there no more"
	case "unhost":
		return "the place for testers is removed"
	default:
		return "the platform was told to " + e.Message
	}
}

func number(n int) string { return strconv.Itoa(n) }
