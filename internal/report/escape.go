package report

import (
	"fmt"
	"net/url"
	"strings"

	"sluice/internal/outside"
)

// zeroWidth keeps GitHub from taking what follows for a mention or a reference. It
// has no width.
const zeroWidth = "\u200b"

// escape makes untrusted text plain in a Markdown line: no markup, no HTML, no
// links, no mentions, no references, no line breaks, and nothing that is not
// seen, as [outside.Line] has it.
func escape(text string) string {
	var b strings.Builder
	text = outside.Line(text)
	for i, r := range text {
		rest := text[i+len(string(r)):]
		switch {
		case r == '<' || r == '>' || r == '&':
			fmt.Fprintf(&b, "&#%d;", r)
		case r == '@':
			b.WriteString("@" + zeroWidth)
		case r == '#':
			b.WriteString(`\#` + zeroWidth)
		case strings.ContainsRune("\\`*_[]|~!$^{}", r), marksBlock(text, i, r), r == ':' && strings.HasPrefix(rest, "/"), r == '.' && startsAddress(text[:i]):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// marksBlock reports whether r would begin a list, a rule or a heading where
// text begins a line.
func marksBlock(text string, i int, r rune) bool {
	switch r {
	case '-', '+', '=':
		return i == 0
	case '.', ')':
		return i > 0 && strings.Trim(text[:i], "0123456789") == ""
	default:
		return false
	}
}

// startsAddress reports whether a dot after text could begin an address that
// GitHub links without being asked.
func startsAddress(text string) bool { return strings.HasSuffix(strings.ToLower(text), "www") }

// link is Markdown that leads to an address; the text alone where that is no address of
// a page. The text is Markdown already.
func link(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || text == "" {
		return text
	}
	safe := strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "|", "%7C", "[", "%5B", "]", "%5D", "\\", "%5C", "`", "%60", "*", "%2A", "_", "%5F")
	return "[" + text + "](" + safe.Replace(u.String()) + ")"
}

// code is untrusted text as a code span, also in a table; "" for none.
func code(text string) string {
	text = strings.NewReplacer("`", "'", "|", "¦").Replace(outside.Line(text))
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// block is untrusted text as a code block.
func block(text string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(outside.Lines(text), "\t", " ")) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	body := strings.Trim(strings.Join(lines, "\n"), "\n")
	if body == "" {
		return ""
	}
	fence := "```"
	for strings.Contains(body, fence) {
		fence += "`"
	}
	return fence + "text\n" + body + "\n" + fence + "\n\n"
}
