// Package outside is the one way out for text that came from outside: from a
// platform, a check, a store, a file, the environment. What is shown on a
// terminal, in an annotation, in a summary or in an output passes it, so that
// nothing in it moves the cursor, turns the direction of writing or hides.
package outside

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// replacement is shown in place of a character that must not be: that there
// was one is to be seen.
const replacement = unicode.ReplacementChar

// Lines is text that may have several lines: every line break is "\n", tabs
// stay, and each control character, bidirectional control and character without
// a width is replaced by U+FFFD. Text that passed it passes again unchanged.
func Lines(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, string(replacement)), "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return c
		case breaksLine(c):
			return '\n'
		case unicode.Is(unicode.Variation_Selector, c):
			return -1 // chooses how the character before it is drawn
		case hidden(c):
			return replacement
		default:
			return c
		}
	}, text)
}

// Line is text in one line: as [Lines], with every run of white space one space
// and none at the ends.
func Line(text string) string { return strings.Join(strings.Fields(Lines(text)), " ") }

// Short is text of at most so many characters, the last an ellipsis where it was longer.
func Short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// Quote writes what [Lines] replaces as JSON escapes, which say the same: for
// JSON that is shown or handed on. text must be valid JSON.
func Quote(text string) string {
	const hex = "0123456789abcdef"
	escape := func(b *strings.Builder, c uint16) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(hex[c>>shift&0xf])
		}
	}
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n' || c == '\r' || c == '\t' || !hidden(c) && !breaksLine(c):
			b.WriteRune(c)
		case c > 0xffff:
			c -= 0x10000
			escape(&b, uint16(0xd800+c>>10))
			escape(&b, uint16(0xdc00+c&0x3ff))
		default:
			escape(&b, uint16(c))
		}
	}
	return b.String()
}

// breaksLine lists what terminals, the runner and Unicode take for a line break.
func breaksLine(c rune) bool {
	switch c {
	case '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return true
	default:
		return false
	}
}

// hidden reports whether c is not seen, or changes how others are shown: C0 and
// C1 controls, format characters (bidirectional controls, zero-width characters,
// tags) and what Unicode draws as nothing.
func hidden(c rune) bool {
	return unicode.In(c, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}
