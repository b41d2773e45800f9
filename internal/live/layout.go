package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/internal/outside"
)

const (
	// Many is how many targets have a line each; more are told of together.
	Many = 30
	// wide is from how many columns on the release is shown, and bars are long.
	wide      = 120
	longBar   = 20
	shortBar  = 10
	mostName  = 24
	leastText = 12
)

// Size is that of a terminal, in cells.
type Size struct{ Columns, Lines int }

// Style is what a terminal can show.
type Style struct {
	Colour bool
	ASCII  bool // no block characters
}

// Layout is the picture of rows in the lines of a terminal, each shorter than it is
// wide, and fewer than it has: what does not fit is told as a count. total is how many
// targets there are.
func Layout(rows []Row, total int, size Size, style Style, now time.Time) []string {
	if len(rows) == 0 || size.Columns < 20 || size.Lines < 3 {
		return nil
	}
	room := size.Lines - 1 // the cursor's
	if total <= Many && len(rows)+1 <= room {
		return table(rows, size, style, now)
	}
	return folded(rows, total, room, size, style, now)
}

// folded is a line of counts, and the rows that need somebody, as many as there is
// room for.
func folded(rows []Row, total, room int, size Size, style Style, now time.Time) []string {
	lines := []string{cut(summary(rows, total, size, style, now), size.Columns-1)}
	urgent := urgent(rows)
	shown := urgent[:0:0]
	for _, r := range urgent {
		if r.Stand != Done && r.Stand != Created && len(shown) < min(room-3, mostFolded) {
			shown = append(shown, r)
		}
	}
	if len(shown) == 0 {
		return lines
	}
	lines = append(lines, table(shown, size, style, now)...)
	if more := notable(rows) - len(shown); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// mostFolded is how many targets a summary has by name.
const mostFolded = 10

// notable counts the rows that a summary would have by name if there were room.
func notable(rows []Row) int {
	n := 0
	for _, r := range rows {
		if r.Stand != Done && r.Stand != Created {
			n++
		}
	}
	return n
}

// summary is how many of all targets are how far.
func summary(rows []Row, total int, size Size, style Style, now time.Time) string {
	counts := map[Stand]int{Created: total - len(rows)}
	var longest time.Duration
	for _, r := range rows {
		counts[r.Stand]++
		longest = max(longest, r.elapsed(now))
	}
	var parts []string
	for _, s := range []Stand{Done, Working, Waiting, Failed, Created} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	done := bar(float64(counts[Done])*all/float64(max(total, 1)), barLength(size), style)
	return fmt.Sprintf("%s  %s, %d targets: %s", done, span(longest), total, strings.Join(parts, ", "))
}

func barLength(size Size) int {
	if size.Columns >= wide {
		return longBar
	}
	return shortBar
}

// column is a column of the table; it is as wide as its widest cell.
type column struct {
	head  string
	cell  func(Row) string
	right bool
}

// table has a headline and a line for each row. What is at work gets the room that the
// other columns leave.
func table(rows []Row, size Size, style Style, now time.Time) []string {
	columns := columnsFor(rows, size, style, now)
	widths := make([]int, len(columns))
	cells := make([][]string, len(rows)+1)
	for c, col := range columns {
		cells[0] = append(cells[0], col.head)
		widths[c] = width(col.head)
		for i, r := range rows {
			text := col.cell(r)
			cells[i+1] = append(cells[i+1], text)
			widths[c] = max(widths[c], width(text))
		}
	}
	used := 0
	for _, w := range widths {
		used += w + 2
	}
	lines := make([]string, len(cells))
	for i, row := range cells {
		var b strings.Builder
		for c, text := range row {
			pad := strings.Repeat(" ", widths[c]-width(text))
			if columns[c].right {
				text, pad = pad+text, ""
			}
			b.WriteString(text + pad + "  ")
		}
		text := "AT WORK"
		if i > 0 {
			text = outside.Line(rows[i-1].Text)
		}
		line := cut(b.String()+cut(text, max(size.Columns-1-used, 0)), size.Columns-1)
		if i > 0 {
			line = coloured(line, rows[i-1].Stand, style)
		}
		lines[i] = line
	}
	return lines
}

// columnsFor are the columns that the rows need and the terminal has room for.
func columnsFor(rows []Row, size Size, style Style, now time.Time) []column {
	var has struct{ split, time, left, release bool }
	stages := map[string]bool{}
	for _, r := range rows {
		has.split, has.left = has.split || r.Split || r.Progress > 0, has.left || r.left(now) > 0
		has.time = has.time || !r.Began.IsZero()
		has.release, stages[r.Stage] = has.release || r.Release != "", true
	}
	var columns []column
	if len(stages) > 1 || size.Columns >= wide {
		columns = append(columns, column{head: "STAGE", cell: func(r Row) string { return name(r.Stage) }})
	}
	columns = append(columns, column{head: "TARGET", cell: func(r Row) string { return name(r.Target) }})
	if has.release && size.Columns >= wide {
		columns = append(columns, column{head: "RELEASE", cell: func(r Row) string { return name(r.Release) }})
	}
	if has.split {
		columns = append(columns, column{head: "TRAFFIC, PROGRESS", cell: func(r Row) string { return gauge(r, barLength(size), style) }})
	}
	if has.time {
		columns = append(columns, column{head: "TIME", right: true, cell: func(r Row) string { return span(r.elapsed(now)) }})
	}
	if has.left {
		columns = append(columns, column{head: "LEFT", right: true, cell: func(r Row) string { return span(r.left(now)) }})
	}
	return columns
}

// name is a name in its cell.
func name(text string) string {
	return cut(outside.Line(text), mostName)
}

// gauge is the traffic of a row, or how far its operation is.
func gauge(r Row, length int, style Style) string {
	switch {
	case r.Progress > 0:
		return fmt.Sprintf("%s %4d %%", bar(float64(r.Progress), length, style), r.Progress)
	case r.Split:
		return fmt.Sprintf("%s %4s %%", bar(r.Percent, length, style), strconv.FormatFloat(r.Percent, 'f', -1, 64))
	default:
		return ""
	}
}

// bar is a share of a hundred as a bar of so many cells. What is not nothing shows.
func bar(percent float64, length int, style Style) string {
	full, empty := "█", "░"
	if style.ASCII {
		full, empty = "#", "."
	}
	n := min(int(percent*float64(length)/all+0.5), length)
	if percent > 0 {
		n = max(n, 1)
	}
	return strings.Repeat(full, n) + strings.Repeat(empty, length-n)
}

// span is a duration for people; "-" for none.
func span(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
