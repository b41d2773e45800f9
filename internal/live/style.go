package live

import "github.com/clipperhouse/displaywidth"

// Control sequences of ECMA-48 (5th edition, sections 8.3.22, 8.3.39, 8.3.41 and
// 8.3.117), which every terminal since the VT100 has.
const (
	cursorUp    = "\x1b[%dA" // so many lines
	eraseRight  = "\x1b[K"   // from the cursor to the end of the line
	eraseBelow  = "\x1b[J"   // from the cursor to the end of the screen
	faint       = "\x1b[2m"
	red         = "\x1b[31m"
	yellow      = "\x1b[33m"
	plainAgain  = "\x1b[m"
	beginUpdate = "\x1b[?2026h" // DEC's mode 2026: what follows is shown at once; others ignore it
	endUpdate   = "\x1b[?2026l"
)

// cut is a text of at most so many cells, whatever script it is written in.
func cut(text string, cells int) string {
	if cells < 1 { // not even the dots
		return ""
	}
	return onTerminal().TruncateString(text, cells, "…")
}

// width is how many cells a text takes.
func width(text string) int { return onTerminal().String(text) }

// onTerminal is how terminals measure: control sequences take no cell.
func onTerminal() displaywidth.Options { return displaywidth.Options{ControlSequences: true} }

// coloured is a line in the colour of a stand, where the terminal has colours. What
// goes well has none.
func coloured(line string, s Stand, style Style) string {
	if !style.Colour {
		return line
	}
	switch s {
	case Failed:
		return red + line + plainAgain
	case Waiting:
		return yellow + line + plainAgain
	case Done:
		return faint + line + plainAgain
	default:
		return line
	}
}
