package outsidetest

import (
	"encoding/json"
	"html"
	"strconv"
	"strings"
	"testing"
)

// TestShows: eight characters of a credential in a row are seen, however they are written,
// and fewer are not.
func TestShows(t *testing.T) {
	encoded := func(text string) string {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, secret := range Secrets() {
		runes := len([]rune(secret))
		for what, text := range map[string]string{
			"as it is":      "before " + secret + " after",
			"HTML":          "<p>" + html.EscapeString(secret) + "</p>",
			"JSON":          encoded("it is " + secret),
			"JSON twice":    encoded(encoded(secret)),
			"quoted":        strconv.Quote(secret),
			"Markdown":      strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`).Replace(secret),
			"lines":         secret[:10] + "\n  " + secret[10:],
			"its beginning": secret[:runes/2] + "…",
			"its end":       "…" + secret[runes/2:],
			"separated":     strings.Join(strings.Split(secret, ""), "\u200b"),
		} {
			if len(Shows(text, secret)) == 0 {
				t.Errorf("%s: %q does not show %q", what, text, secret)
			}
		}
		for _, text := range []string{"", "nothing", secret[:7], secret[1:6] + "-***-" + secret[2:7], strings.Repeat("*", 40)} {
			if found := Shows(text, secret); len(found) > 0 {
				t.Errorf("%q: %q", text, found)
			}
		}
	}
}

// TestTerminal: what a terminal obeys, hides or cannot read is found, each once, and
// what people read is not.
func TestTerminal(t *testing.T) {
	for _, text := range []string{"\x1b", "\r", "\x00", "\x7f", "\u0085", "\u009b", "\u200b", "\u2028", "\u2029", "\u202e", "\ufeff", "\u00ad", "\u034f", "\U000e0041"} {
		if found := Terminal("a" + text + "b" + text); len(found) != 1 {
			t.Errorf("%q: %q", text, found)
		}
	}
	if found := Terminal("a\xffb"); len(found) == 0 {
		t.Error("what is no UTF-8 was not found")
	}
	if found := Terminal("Everything that is printed, ~ and `, tabs\tand lines\n… → ä € 漢 🚀"); len(found) > 0 {
		t.Errorf("%q", found)
	}
}
