package live_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/live"
)

// fake is a terminal: what stands on it, as its cursor was moved.
type fake struct {
	lines []string
	row   int
	size  live.Size
	bytes int
}

func (f *fake) Size() (live.Size, bool) { return f.size, true }

var sequence = regexp.MustCompile(`^\x1b\[\??([0-9;]*)([A-Za-z])`)

// Write does what a terminal does with what this package writes.
func (f *fake) Write(p []byte) (int, error) {
	f.bytes += len(p)
	text := string(p)
	column := 0
	for text != "" {
		for len(f.lines) <= f.row {
			f.lines = append(f.lines, "")
		}
		if m := sequence.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			switch m[2] {
			case "A":
				f.row = max(f.row-max(n, 1), 0)
			case "K":
				f.lines[f.row] = f.lines[f.row][:min(column, len(f.lines[f.row]))]
			case "J":
				f.lines = append(f.lines[:f.row], f.lines[f.row][:min(column, len(f.lines[f.row]))])
			case "h", "l", "m":
			default:
				return 0, fmt.Errorf("the fake knows no %q", m[0])
			}
			text = text[len(m[0]):]
			continue
		}
		switch c := text[0]; c {
		case '\r':
			column = 0
		case '\n':
			f.row++
		default:
			line := []byte(f.lines[f.row])
			for len(line) <= column {
				line = append(line, ' ')
			}
			line[column] = c
			f.lines[f.row] = string(line)
			column++
		}
		text = text[1:]
	}
	return len(p), nil
}

// shown is what stands there.
func (f *fake) shown() []string {
	lines := slices.Clone(f.lines)
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// TestScreen: whatever is shown and printed in any order, what was printed stands there
// once, in order, and below it the lines that were shown last, alone.
func TestScreen(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test that can be repeated
		f := &fake{size: live.Size{Columns: 40, Lines: 24}}
		s := live.NewScreen(f, f.Size)
		var printed, last []string
		for step := range 20 {
			switch random.IntN(4) {
			case 0:
				text := fmt.Sprintf("printed %d", step)
				s.Print(text + "\n")
				printed = append(printed, text)
			case 1:
				s.Clear()
				last = nil
			default:
				last = nil
				for i := range random.IntN(6) {
					last = append(last, fmt.Sprintf("row %d of step %d", i, step/(random.IntN(3)+1)))
				}
				s.Show(last)
			}
			if want := slices.Concat(printed, last); !slices.Equal(f.shown(), want) {
				t.Fatalf("seed %d, step %d: there stands\n%s\nnot\n%s", seed, step, strings.Join(f.shown(), "\n"), strings.Join(want, "\n"))
			}
		}
		s.Clear()
		if !slices.Equal(f.shown(), printed) {
			t.Errorf("seed %d: at the end there stands %q", seed, f.shown())
		}
	}
}

// TestUnchanged: lines that stay are not written again.
func TestUnchanged(t *testing.T) {
	f := &fake{size: live.Size{Columns: 200, Lines: 40}}
	s := live.NewScreen(f, f.Size)
	lines := make([]string, 30)
	for i := range lines {
		lines[i] = strings.Repeat("x", 150)
	}
	s.Show(lines)
	before := f.bytes
	s.Show(lines)
	if f.bytes != before {
		t.Errorf("%d bytes for the same picture", f.bytes-before)
	}
	lines[7] = "another"
	s.Show(lines)
	if f.bytes-before > 150 {
		t.Errorf("%d bytes for one line of thirty", f.bytes-before)
	}
}

// TestNoTerminal: what is no terminal gets no picture.
func TestNoTerminal(t *testing.T) {
	if _, ok := live.Terminal(&strings.Builder{}, func(string) string { return "" }); ok {
		t.Error("a buffer is taken for a terminal")
	}
}
