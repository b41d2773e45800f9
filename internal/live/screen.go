package live

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/term"
)

// Screen is a terminal on which a few lines change in place, below everything that was
// written before. It hides nothing and changes no mode of the terminal, so that a
// process that ends anywhere leaves it whole. It is safe for concurrent use.
type Screen struct {
	w    io.Writer
	size func() (Size, bool)

	mu    sync.Mutex
	shown []string // what stands there, the cursor on the line after it
	at    Size     // of the terminal when it was drawn
}

// Terminal is the screen that w is; false where w is none, or one on which nothing
// can be moved, or where the environment wants plain lines: NO_COLOR, TERM=dumb, CI.
func Terminal(w io.Writer, getenv func(string) string) (*Screen, bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || plain(getenv, runtime.GOOS) {
		return nil, false
	}
	return NewScreen(file, func() (Size, bool) {
		columns, lines, err := term.GetSize(int(file.Fd()))
		if columns == 0 || lines == 0 { // one that was never told
			columns, lines = 80, 24
		}
		return Size{columns, lines}, err == nil
	}), true
}

// plain reports whether the environment wants plain lines, or has a console that does
// not move its cursor by itself: on Windows all but Windows Terminal.
func plain(getenv func(string) string, system string) bool {
	ci := getenv("CI")
	still := system == "windows" && getenv("WT_SESSION") == ""
	return still || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" || ci != "" && ci != "false" && ci != "0"
}

// StyleOf is what the terminal of an environment shows: block characters where its
// locale is UTF-8.
func StyleOf(getenv func(string) string) Style {
	locale := ""
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale = getenv(name); locale != "" {
			break
		}
	}
	locale = strings.ToLower(locale)
	return Style{Colour: true, ASCII: locale != "" && !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")}
}

// NewScreen is a screen of a size that may change.
func NewScreen(w io.Writer, size func() (Size, bool)) *Screen { return &Screen{w: w, size: size} }

// Size is the terminal's now; false where nobody can tell.
func (s *Screen) Size() (Size, bool) { return s.size() }

// Show has lines stand there in place of those before. Lines that stay the same are
// not written again. What is written goes out at once, so that no half of it is seen.
func (s *Screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, _ := s.size()
	var b bytes.Buffer
	if size != s.at || len(lines) < len(s.shown) {
		s.erase(&b)
	}
	s.at = size
	s.draw(&b, lines)
	s.put(&b)
}

// draw writes the lines over those that are shown.
func (s *Screen) draw(b *bytes.Buffer, lines []string) {
	if slices.Equal(lines, s.shown) {
		return
	}
	up(b, len(s.shown))
	for i, line := range lines {
		if i >= len(s.shown) || s.shown[i] != line {
			b.WriteString(line + eraseRight)
		}
		b.WriteString("\r\n")
	}
	s.shown = slices.Clone(lines)
}

// Print writes text above the lines that stand there, for good.
func (s *Screen) Print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	lines := s.shown
	s.erase(&b)
	b.WriteString(strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\r\n") + "\r\n")
	s.draw(&b, lines)
	s.put(&b)
}

// Clear takes the lines away.
func (s *Screen) Clear() { s.Show(nil) }

// erase takes away what is shown: after a change of the terminal's width, also what
// its lines broke into.
func (s *Screen) erase(b *bytes.Buffer) {
	size, _ := s.size()
	rows := 0
	for _, line := range s.shown {
		rows++
		if size.Columns > 0 && size.Columns < s.at.Columns {
			rows += max(width(line)-1, 0) / size.Columns
		}
	}
	if rows > 0 {
		up(b, rows)
		b.WriteString(eraseBelow)
	}
	s.shown = nil
}

// up moves the cursor to the beginning of the line so many above.
func up(b *bytes.Buffer, rows int) {
	b.WriteString("\r")
	if rows > 0 {
		fmt.Fprintf(b, cursorUp, rows)
	}
}

// put writes what was drawn, as one picture where the terminal can.
func (s *Screen) put(b *bytes.Buffer) {
	if b.Len() == 0 || b.String() == "\r" {
		return
	}
	_, _ = io.WriteString(s.w, beginUpdate+b.String()+endUpdate) // nobody is left to tell
}
