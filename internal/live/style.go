package live

import (
	"github.com/charmbracelet/x/ansi"
)

// cut is a text of at most so many cells, whatever script it is written in.
func cut(text string, cells int) string { return ansi.Truncate(text, cells, "…") }

// width is how many cells a text takes.
func width(text string) int { return ansi.StringWidth(text) }

// coloured is a line in the colour of a stand, where the terminal has colours. What
// goes well has none.
func coloured(line string, s Stand, style Style) string {
	if !style.Colour {
		return line
	}
	switch s {
	case Failed:
		return ansi.NewStyle().ForegroundColor(ansi.Red).Styled(line)
	case Waiting:
		return ansi.NewStyle().ForegroundColor(ansi.Yellow).Styled(line)
	case Done:
		return ansi.NewStyle().Faint().Styled(line)
	default:
		return line
	}
}
