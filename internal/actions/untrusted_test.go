package actions_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"sluice/internal/actions"
)

func TestUntrusted(t *testing.T) {
	r := inside(nil)
	var out strings.Builder
	if err := r.Untrusted(&out, "one\n::set-output name=x::y\n  ::error::z\nmid ##[error]w\x1b[2K\rtwo"); err != nil {
		t.Fatal(err)
	}
	shape := regexp.MustCompile(`^::stop-commands::([A-Z0-9]{20,})\none\n: :set-output name=x::y\n  : :error::z\nmid ## \[error\]w\x{FFFD}\[2K\ntwo\n::([A-Z0-9]+)::\n$`)
	match := shape.FindStringSubmatch(out.String())
	if match == nil || match[1] != match[2] {
		t.Fatalf("wrote %q", out.String())
	}
	var again strings.Builder
	if err := r.Untrusted(&again, "x"); err != nil || strings.Contains(again.String(), match[1]) {
		t.Errorf("the token was used twice: %q, %v", again.String(), err)
	}
}

func TestUntrustedOutside(t *testing.T) {
	var out strings.Builder
	if err := newRun(nil).Untrusted(&out, "::error::x\x1b]0;title\x07\r\nü\ttab"); err != nil {
		t.Fatal(err)
	}
	if want := "::error::x\uFFFD]0;title\uFFFD\nü\ttab\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

// obeys reports whether the runner would take a line for a command: its own
// parser trims the line, then looks for "::" at the start or "##[" anywhere.
func obeys(line string) bool {
	return strings.HasPrefix(strings.TrimFunc(line, unicode.IsSpace), "::") || strings.Contains(line, "##[")
}

func FuzzNeutralise(f *testing.F) {
	for _, seed := range []string{"::a::", " \u00a0::a", "\ufeff::a", "###[x", "##[[", "\r::x", "a\u2028::x", ":\x00:x", "::", "#\x1b#[", "\xff::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := actions.Neutralise(text)
		for _, line := range strings.FieldsFunc(clean, func(c rune) bool { return strings.ContainsRune("\n\r\u2028\u2029\u0085\v\f", c) }) {
			if obeys(line) {
				t.Errorf("%q became %q, whose line %q the runner obeys", text, clean, line)
			}
		}
		if again := actions.Neutralise(clean); again != clean {
			t.Errorf("%q became %q, then %q", text, clean, again)
		}
	})
}
