package outside_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"sluice/internal/outside"
)

func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"plain ünïcode ✅":               "plain ünïcode ✅",
		"a\tb\nc":                       "a\tb\nc",
		"a\r\nb\rc\vd\fe\u0085f":        "a\nb\nc\nd\ne\nf",
		"\x1b[31mred\x1b]0;title\a":     "�[31mred�]0;title�",
		"csi \u009b2K del \x7f":         "csi �2K del �",
		"\u202egpj.exe\u2066":           "�gpj.exe�",
		"a\u200bb\u200dc\ufeffd\u00ade": "a�b�c�d�e",
		"tag \U000e0061 fill \u3164":    "tag � fill �",
		"\xff":                          "�",
		"warn ⚠\ufe0f":                  "warn ⚠",
	} {
		if got := outside.Lines(text); got != want {
			t.Errorf("Lines(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	if got := outside.Line(" a\x1b\r\n\tb\u2028c "); got != "a� b c" {
		t.Errorf("one line: %q", got)
	}
}

func TestQuote(t *testing.T) {
	for _, text := range []string{"a\u202eb\u009b\x7f\u200b", "tag \U000e0061", "plain ü", "\u2028"} {
		in, err := json.Marshal(map[string]string{"x": text})
		if err != nil {
			t.Fatal(err)
		}
		out := outside.Quote(string(in))
		var back map[string]string
		if err := json.Unmarshal([]byte(out), &back); err != nil || back["x"] != text {
			t.Errorf("Quote(%s) = %s: %q, %v", in, out, back["x"], err)
		}
		if out != outside.Lines(out) {
			t.Errorf("Quote(%s) = %q, which still hides something", in, out)
		}
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "a\x1bb", "\r\n\r", "\u2029\ufe0f", "\xf0\x28"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := outside.Lines(text)
		if again := outside.Lines(out); again != out {
			t.Errorf("%q became %q, then %q", text, out, again)
		}
		for _, c := range out {
			if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
				t.Errorf("%q became %q, which has %U", text, out, c)
			}
		}
		if line := outside.Line(text); strings.ContainsAny(line, "\n\t") {
			t.Errorf("%q is the line %q", text, line)
		}
	})
}

// TestShort: what is too long ends in an ellipsis, within the bound, by characters.
func TestShort(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 4, "äöüß"}, {"äöüßx", 4, "äöü…"}} {
		if got := outside.Short(test.text, test.most); got != test.want {
			t.Errorf("%q within %d is %q, want %q", test.text, test.most, got, test.want)
		}
	}
}
