package actions_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/actions"
)

// decode reads a GITHUB_OUTPUT file as the runner's FileCommandManager does.
func decode(text string) (map[string]string, error) {
	values := map[string]string{}
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line == "" {
			continue
		}
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		if equals >= 0 && (heredoc < 0 || equals < heredoc) {
			values[line[:equals]] = line[equals+1:]
			continue
		}
		if heredoc <= 0 || line[heredoc+2:] == "" {
			return nil, fmt.Errorf("invalid format %q", line)
		}
		name, delimiter := line[:heredoc], line[heredoc+2:]
		var lines []string
		for {
			if text == "" {
				return nil, fmt.Errorf("matching delimiter not found %q", delimiter)
			}
			line, text, _ = strings.Cut(text, "\n")
			if line == delimiter {
				break
			}
			lines = append(lines, line)
		}
		values[name] = strings.Join(lines, "\n")
	}
	return values, nil
}

func FuzzOutput(f *testing.F) {
	f.Add("status", "succeeded", "")
	f.Add("targets", "[\n{}\n]\n", "x=y")
	f.Add("a", "\nghadelimiter_\nother=1\n", "left open")
	f.Add("a-b_C", "x\r\n\x00<<", "")
	f.Add("a", "_GitHubActionsFileCommandDelimeter_\nb<<X\n1\nX\n", "")
	f.Fuzz(func(t *testing.T, name, value, before string) {
		path := filepath.Join(t.TempDir(), "output")
		if _, err := decode(before); err != nil || strings.Contains(before, "<<") {
			before = ""
		}
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		r := newRun(map[string]string{"GITHUB_OUTPUT": path})
		if err := r.Output(name, value); err != nil {
			if got := read(t, path); got != before {
				t.Errorf("refused with %v, but the file is %q", err, got)
			}
			t.Skip()
		}
		if err := r.Output("sentinel", "kept"); err != nil {
			t.Fatal(err)
		}
		got, err := decode(read(t, path))
		if err != nil {
			t.Fatal(err)
		}
		want, err := decode(before)
		if err != nil {
			t.Fatal(err)
		}
		want[name], want["sentinel"] = strings.ToValidUTF8(value, "\ufffd"), "kept"
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || !utf8.ValidString(got[name]) {
			t.Errorf("the runner reads %q, want %q", got, want)
		}
	})
}

func TestOutputRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	r := newRun(map[string]string{"GITHUB_OUTPUT": path})
	for _, name := range []string{"", "a b", "a\nb", "a=b", "a<<b", "1a", "-a", "ü"} {
		if err := r.Output(name, "x"); err == nil || !strings.Contains(err.Error(), "output name") {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if err := r.Output("big", strings.Repeat("x", actions.MaxOutput+1)); err == nil || !strings.Contains(err.Error(), "GitHub keeps at most") {
		t.Errorf("too large: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused output wrote the file: %v", err)
	}
}

func TestOutputIsRedacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	r := newRun(map[string]string{"GITHUB_OUTPUT": path})
	r.Mask("very-secret")
	if err := r.Output("a", "x very-secret y"); err != nil {
		t.Fatal(err)
	}
	if got, err := decode(read(t, path)); err != nil || got["a"] != "x *** y" {
		t.Errorf("output %q, %v", got, err)
	}
}

// TestDelimitersCannotBeGuessed: each output has a delimiter of its own, with at least
// 128 bits of chance, so that no value can end another.
func TestDelimitersCannotBeGuessed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	r := newRun(map[string]string{"GITHUB_OUTPUT": path})
	seen := map[string]bool{}
	for range 20 {
		if err := r.Output("status", "succeeded"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, delimiter, begins := strings.Cut(strings.TrimSpace(line), "<<"); begins {
			seen[delimiter] = len(delimiter) >= len("ghadelimiter_")+26 // as rand.Text has them
		}
	}
	if len(seen) != 20 || slices.Contains(slices.Collect(maps.Values(seen)), false) {
		t.Errorf("20 outputs have the delimiters %v", slices.Sorted(maps.Keys(seen)))
	}
}
