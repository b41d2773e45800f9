package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"sluice/internal/outside"
	"sluice/pipeline"
)

// Slack's bounds, and how many targets have a line each.
const (
	mostSection = 2900 // characters of one block's text; Slack takes 3,000
	mostLines   = 10
)

type block map[string]any

// slack is a message as an incoming webhook takes it. The plain text is what a
// notification shows.
func slack(m Message, told string) ([]byte, error) {
	title := m.Pipeline + ": " + m.Command + " " + string(m.Outcome.Status)
	if told == pipeline.ToldWaiting {
		title = m.Pipeline + ": " + m.Command + " waits for somebody"
	}
	head := map[string]string{pipeline.ToldSucceeded: "✅ ", pipeline.ToldFailed: "❌ ", pipeline.ToldWaiting: "✋ ", pipeline.ToldPending: "⏳ "}[told]
	blocks := []block{section("*" + head + markup(title) + "*" + of(m))}
	if lines := targets(m); len(lines) > 0 {
		blocks = append(blocks, section(strings.Join(lines, "\n")))
	}
	if strings.HasPrefix(m.RunURL, "https://") {
		blocks = append(blocks, block{"type": "actions", "elements": []block{{
			"type": "button", "text": block{"type": "plain_text", "text": "Open the run"}, "url": m.RunURL,
		}}})
	}
	return json.Marshal(map[string]any{"text": markup(title), "blocks": blocks})
}

func of(m Message) string {
	text := ""
	if m.Outcome.Release != "" {
		text += "\nrelease `" + quoted(m.Outcome.Release) + "`"
	}
	if m.Error != "" {
		text += "\n" + markup(m.Error)
	}
	return text
}

// targets are a line for each target that there is something to say of.
func targets(m Message) []string {
	var lines []string
	more := 0
	for _, t := range m.Outcome.Targets {
		var text string
		switch {
		case t.ErrorMessage != "":
			text = markup(t.ErrorMessage)
		case t.WaitingFor != nil:
			text = markup(t.WaitingFor.Words())
			for _, command := range t.WaitingFor.Continues() {
				text += "\n    `" + quoted(command) + "`"
			}
		default:
			continue
		}
		if len(lines) == mostLines {
			more++
			continue
		}
		lines = append(lines, fmt.Sprintf("• *%s* (%s): %s", markup(t.Target), markup(t.Stage), text))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return lines
}

func section(text string) block {
	if utf8.RuneCountInString(text) > mostSection {
		text = string([]rune(text)[:mostSection]) + "…"
	}
	return block{"type": "section", "text": block{"type": "mrkdwn", "text": text}}
}

// markup is text from outside in Slack's markup: no mention, no link, no style.
func markup(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "_", "_\u2060", "~", "∼", "`", "'").Replace(outside.Line(text))
}

// quoted is text from outside between backquotes.
func quoted(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'").Replace(outside.Line(text))
}
