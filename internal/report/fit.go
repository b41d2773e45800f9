package report

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"sluice/internal/outside"
)

// grid is a table before it is laid out. spare are the columns that can be done
// without, the first to go first.
type grid struct {
	head  []string
	rows  [][]string
	spare []string
}

// fitted lays a table out in [Width] columns: where it is wider, ids are shortened
// to what still names them, then columns are left out, then the widest cells are
// cut.
func fitted(g grid) string {
	text := Table(g.head, g.rows)
	if fits(text) {
		return text
	}
	g = g.each(func(_, cell string) string { return shortIDs(cell) })
	for text = Table(g.head, g.rows); !fits(text) && len(g.spare) > 0; text = Table(g.head, g.rows) {
		g = g.without(g.spare[0])
	}
	for most := 40; !fits(text) && most >= 12; most -= 4 {
		cut := g.each(func(_, cell string) string { return outside.Short(cell, most) })
		text = Table(cut.head, cut.rows)
	}
	return text
}

func fits(text string) bool {
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > Width {
			return false
		}
	}
	return true
}

// each is the grid with every cell changed.
func (g grid) each(change func(head, cell string) string) grid {
	rows := make([][]string, len(g.rows))
	for i, row := range g.rows {
		rows[i] = slices.Clone(row)
		for j, cell := range row {
			rows[i][j] = change(g.head[j], cell)
		}
	}
	g.rows = rows
	return g
}

// without is the grid without a column.
func (g grid) without(name string) grid {
	at := slices.Index(g.head, name)
	less := grid{head: slices.Delete(slices.Clone(g.head), at, at+1), spare: g.spare[1:]}
	for _, row := range g.rows {
		less.rows = append(less.rows, slices.Delete(slices.Clone(row), at, at+1))
	}
	return less
}

// long are ids that nobody can read: of digests and UUIDs the beginning names them.
var long = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b((?:sha256:)?[0-9a-f]{12})[0-9a-f]{20,}\b|\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
})

// shortIDs shortens the long ids in a text, and not within paths and links. What
// is left can be given as a release.
func shortIDs(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if !strings.Contains(word, "/") {
			words[i] = long().ReplaceAllString(word, "$1$2")
		}
	}
	return strings.Join(words, " ")
}

// short is an id, shortened where it is long.
func short(id string) string { return shortIDs(id) }

// indent is before the lines that a long one goes on in.
const indent = "    "

// wrap breaks a line of words at [Width], never within a command, and ends it.
func wrap(line string) string {
	var b strings.Builder
	width := 0
	for _, word := range words(outside.Line(line)) {
		n := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case width+1+n > Width:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String() + "\n"
}

// words are the words of a line; what stands between backquotes is one.
func words(line string) []string {
	var list []string
	open := false
	for word := range strings.SplitSeq(line, " ") {
		if open {
			list[len(list)-1] += " " + word
		} else {
			list = append(list, word)
		}
		if strings.Count(word, "`")%2 == 1 {
			open = !open
		}
	}
	return list
}

// below breaks a text into lines that begin in a column.
func below(text string, column int) string {
	var b strings.Builder
	width := column
	for i, word := range words(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > Width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			width = column
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
