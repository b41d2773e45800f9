package report

import (
	"fmt"
	"strings"
	"unicode"
)

// zeroWidth keeps GitHub from taking what follows for a mention or a reference. It
// has no width.
const zeroWidth = "\u200b"

// escape makes untrusted text plain in a Markdown line: no markup, no HTML, no
// links, no mentions, no references, no line breaks, and nothing that is not
// seen.
func escape(text string) string {
	var b strings.Builder
	text = visible(text)
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

// visible is text in one line, without characters that are not seen or that
// change how others are shown.
func visible(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// code is untrusted text as a code span, also in a table; "" for none.
func code(text string) string {
	text = strings.NewReplacer("`", "'", "|", "¦").Replace(visible(text))
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// block is untrusted text as a code block.
func block(text string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		lines = append(lines, strings.TrimRight(seen(line), " "))
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

// seen drops what is not seen from a line and keeps its columns.
func seen(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(line, ""))
}
