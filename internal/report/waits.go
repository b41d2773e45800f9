package report

import (
	"slices"
	"strings"
	"time"

	"sluice/internal/old/rollout"
)

// Waits says in words what a target waits for, until when, and what continues it.
func Waits(w rollout.Waiting) string {
	text := waitWords(w)
	if commands := continues(w); len(commands) > 0 {
		text += "; continue with `" + strings.Join(commands, "` or `") + "`"
	}
	return text
}

// waitsMarkdown is Waits as Markdown.
func waitsMarkdown(w rollout.Waiting) string {
	text := escape(waitWords(w))
	var commands []string
	for _, c := range continues(w) {
		commands = append(commands, code(c))
	}
	if len(commands) > 0 {
		text += "; continue with " + strings.Join(commands, " or ")
	}
	return text
}

// continues lists the command lines that end a wait.
func continues(w rollout.Waiting) []string {
	return slices.DeleteFunc([]string{w.Command, w.Or}, func(c string) bool { return c == "" })
}

func waitWords(w rollout.Waiting) string {
	text := waitsFor(w)
	if !w.Until.IsZero() {
		text += " until " + w.Until.UTC().Format(time.RFC3339)
	}
	return text
}

func waitsFor(w rollout.Waiting) string {
	switch w.Kind {
	case rollout.WaitApproval:
		return "waits for approval" + by(" by ", w.By)
	case rollout.WaitBake:
		return "bakes"
	case rollout.WaitPolicy:
		return "is held back by policy" + by(" ", w.By)
	case rollout.WaitLock:
		return "is held" + by(" by ", w.By)
	case rollout.WaitQueue:
		return "is queued" + by(" behind ", w.By)
	case rollout.WaitOperation:
		return "waits for the platform's operation" + by(" ", w.By)
	case rollout.WaitPlatform:
		return "waits for the platform" + by(": ", w.By)
	case rollout.WaitPerson:
		return "waits for a person to advance it"
	case rollout.WaitOperator:
		return "waits for a person's decision" + by(": ", w.By)
	default:
		return "waits for " + string(w.Kind)
	}
}

func by(how, whom string) string {
	if whom == "" {
		return ""
	}
	return how + whom
}
