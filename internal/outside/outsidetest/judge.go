package outsidetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terminal finds what a terminal would obey, or not show, in a text.
func Terminal(text string) []string {
	var wrong []string
	if !utf8.ValidString(text) {
		wrong = append(wrong, "it is no UTF-8")
	}
	seen := map[rune]bool{}
	for _, c := range text {
		if ' ' <= c && c <= '~' || c == '\n' || c == '\t' || seen[c] || !unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) {
			continue
		}
		seen[c] = true
		wrong = append(wrong, fmt.Sprintf("it has %U", c))
	}
	return wrong
}

// The commands that a step may give GitHub's runner, and their properties.
func commands() []string {
	return []string{"error", "warning", "notice", "add-mask", "group", "endgroup"}
}
func properties() []string { return []string{"title", "file", "line", "col"} }

// Runner reads the log of a step as GitHub's runner does, and finds what it would obey
// of what was planted.
func Runner(log string) []string {
	var wrong []string
	stopped := ""
	for _, line := range strings.FieldsFunc(log, func(c rune) bool { return c == '\n' || c == '\r' }) {
		line = strings.TrimSpace(line)
		switch {
		case stopped != "" && line == "::"+stopped+"::":
			stopped = ""
		case strings.Contains(line, "##[") && !strings.HasPrefix(line, "::"):
			wrong = append(wrong, fmt.Sprintf("the log shows a command in %.100q", line))
		case stopped != "" || !strings.HasPrefix(line, "::"):
		case strings.HasPrefix(line, "::stop-commands::"):
			stopped = strings.TrimPrefix(line, "::stop-commands::")
			if len(stopped) < 20 {
				wrong = append(wrong, fmt.Sprintf("commands are stopped by a token that can be guessed: %q", stopped))
			}
		default:
			wrong = append(wrong, command(line)...)
		}
	}
	if stopped != "" {
		wrong = append(wrong, "commands stay stopped")
	}
	return wrong
}

// command judges one workflow command.
func command(line string) []string {
	head, message, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::")
	name, rest, _ := strings.Cut(head, " ")
	var wrong []string
	if !ok || !slices.Contains(commands(), name) {
		wrong = append(wrong, fmt.Sprintf("the runner obeys %.100q", line))
	}
	if strings.HasPrefix(message, acted) {
		wrong = append(wrong, fmt.Sprintf("the runner obeys what was planted: %.100q", line))
	}
	for property := range strings.SplitSeq(rest, ",") {
		if key, _, _ := strings.Cut(property, "="); rest != "" && !slices.Contains(properties(), key) {
			wrong = append(wrong, fmt.Sprintf("a command has the property %q", key))
		}
	}
	return wrong
}

// Outputs reads the file of a step's outputs as GitHub's runner does: the values and
// the delimiters by name, and what is wrong with it. names are those that a step may
// set.
func Outputs(file string, names []string) (values, delimiters map[string]string, wrong []string) {
	values, delimiters = map[string]string{}, map[string]string{}
	lines := strings.Split(strings.ReplaceAll(file, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" {
			continue
		}
		name, delimiter, ok := strings.Cut(lines[i], "<<")
		if !ok || !slices.Contains(names, name) {
			wrong = append(wrong, fmt.Sprintf("the runner takes %.100q for an output", lines[i]))
			continue
		}
		if _, twice := values[name]; twice {
			wrong = append(wrong, "the output "+name+" is set twice")
		}
		n := slices.Index(lines[i+1:], delimiter)
		if n < 0 {
			return values, delimiters, append(wrong, "the output "+name+" has no end")
		}
		values[name], delimiters[name] = strings.Join(lines[i+1:i+1+n], "\n"), delimiter
		i += n + 1
	}
	return values, delimiters, wrong
}

// Document finds what is wrong with what should be one JSON document for people and
// programs.
func Document(text string) []string {
	wrong := Terminal(text)
	if !json.Valid([]byte(text)) {
		wrong = append(wrong, fmt.Sprintf("it is no JSON document: %.200q", text))
	}
	return wrong
}

// Slack finds what Slack would take for a mention or a link in a message.
func Slack(message []byte) []string {
	var value any
	if err := json.Unmarshal(message, &value); err != nil {
		return []string{"it is no JSON: " + err.Error()}
	}
	var wrong []string
	each(value, func(text string) {
		if strings.ContainsAny(text, "<>") {
			wrong = append(wrong, fmt.Sprintf("Slack reads %.100q", text))
		}
		wrong = append(wrong, Terminal(strings.ReplaceAll(text, "\u2060", ""))...)
	})
	return wrong
}

func each(value any, do func(string)) {
	switch v := value.(type) {
	case string:
		do(v)
	case []any:
		for _, e := range v {
			each(e, do)
		}
	case map[string]any:
		for name, e := range v {
			do(name)
			each(e, do)
		}
	}
}

// shown is how many characters of a credential in a row are too many: as many as a
// shortened id has.
const shown = 8

// How HTML and JSON escape characters.
var (
	entity  = regexp.MustCompile(`&#?\w+;`)
	escaped = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)
)

// Shows finds what of a credential is in a text, however that is written: escaped for
// Markdown, HTML, JSON or an address, broken into lines, or cut.
func Shows(text, secret string) []string {
	ways := []func(string) string{bare}
	if strings.Contains(text, `\u`) || strings.Contains(secret, `\u`) {
		ways = append(ways, bareJSON)
	}
	for _, way := range ways {
		text, secret := way(text), way(secret)
		for i := 0; i+shown <= len(secret); i++ {
			if strings.Contains(text, secret[i:i+shown]) {
				return []string{fmt.Sprintf("it shows %q of a credential", secret[i:i+shown])}
			}
		}
	}
	return nil
}

// bare is text without what escapes it and breaks it into lines.
func bare(text string) string {
	if strings.Contains(text, "&") {
		text = entity.ReplaceAllString(text, "")
	}
	kept := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_=+/*", c) >= 0 {
			kept = append(kept, c)
		}
	}
	return string(kept)
}

// bareJSON is bare of text that is within JSON.
func bareJSON(text string) string { return bare(escaped.ReplaceAllString(text, "")) }
