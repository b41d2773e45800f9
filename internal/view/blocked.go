package view

import (
	"strings"
	"time"

	"sluice/rollout"
)

// barrier is what stands in the way of a command, as people are told of it: a block, or
// the two that one going back left.
type barrier struct {
	rollout.Block
	ids []string
}

// barriers are the blocks of a refusal, those of one going back together.
func barriers(blocks []rollout.Block) []barrier {
	var list []barrier
	for _, b := range blocks {
		if last := len(list) - 1; last >= 0 && b.ID == list[last].ID+"-automation" {
			list[last].ids = append(list[last].ids, b.ID)
			continue
		}
		list = append(list, barrier{Block: b, ids: []string{b.ID}})
	}
	return list
}

// blockedBy says what stands in the way of a command, and how each of it is ended or
// passed.
func blockedBy(e *rollout.RefusedError) []reason {
	where := e.Target
	if e.Source != "" {
		where = e.Source
	}
	list := barriers(e.Blocks)
	reasons := make([]reason, len(list))
	for i, b := range list {
		reasons[i] = reason{why: cannot(e) + b.inTheWay(e.Source), remedy: b.passing(where)}
	}
	if all := override(list); len(list) > 1 && all != "" {
		reasons = append(reasons, reason{why: all + " passes all of it once"})
	}
	return reasons
}

// override is the flag by which one run passes barriers; "" where nobody may.
func override(list []barrier) string {
	var ids []string
	for _, b := range list {
		if b.Kind == rollout.BlockPolicy && len(b.Override) == 0 {
			return ""
		}
		ids = append(ids, b.ids...)
	}
	return "--override " + strings.Join(ids, ",") + " --reason '…'"
}

// inTheWay says what stops a command, since and until when. source is the target where
// it stands; "" where that is the command's own.
func (b barrier) inTheWay(source string) string {
	text := b.what() + by(" on ", source) + by(" by ", b.who())
	switch {
	case b.Kind == rollout.BlockLock && !b.At.IsZero():
		text += " since " + b.At.UTC().Format(time.RFC3339)
	case b.Kind == rollout.BlockWentBack && (b.Whom == rollout.Automation || len(b.ids) > 1):
		text += ", and automation waits for a person"
	}
	if b.BothWays {
		text += ", both ways"
	}
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	return text + by(": ", b.Reason)
}

// who placed it, where that is told behind what it is.
func (b barrier) who() string {
	if b.Kind == rollout.BlockLock || b.Kind == rollout.BlockAbandon {
		return b.By
	}
	return ""
}

func (b barrier) what() string {
	switch b.Kind {
	case rollout.BlockLock:
		return "it is locked"
	case rollout.BlockAbandon:
		return "release " + b.Release + " was abandoned"
	case rollout.BlockPolicy:
		return "policy " + b.ID + " does not allow it"
	case rollout.BlockRestored:
		return "traffic was put back from release " + b.From + ", and automation waits for a person"
	case rollout.BlockWentBack:
		return orElse(b.By, "somebody") + " went back from release " + b.From
	default:
		return "block " + b.ID + " is in the way"
	}
}

// passing says how it is ended on the target where it stands, and who may pass it.
func (b barrier) passing(target string) string {
	switch {
	case b.Kind == rollout.BlockPolicy && len(b.Override) == 0:
		return "nobody may override it"
	case b.Kind == rollout.BlockPolicy:
		return strings.Join(b.Override, ", ") + " may pass it with " + override([]barrier{b})
	case len(b.ids) > 1:
		end := Command{Name: "unblock", Target: target, Reason: true}
		return "`" + end.String() + "` ends it, " + override([]barrier{b}) + " passes it once"
	default:
		return "`" + ending(b.Block, target).String() + "` ends it, " + override([]barrier{b}) + " passes it once"
	}
}
