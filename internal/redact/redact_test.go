package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sluice/internal/redact"
)

func TestText(t *testing.T) {
	var s redact.Set
	if got := s.Text("nothing is known"); got != "nothing is known" {
		t.Errorf("an empty set made %q", got)
	}
	fresh := s.Add("", "a", "short", " swordfish\n", "swordfish", "swordfishes", "first line\r\n  second line\nx")
	if want := []string{"swordfish", "swordfishes", "first line", "second line"}; !slices.Equal(fresh, want) {
		t.Errorf("new are %q, want %q", fresh, want)
	}
	for text, want := range map[string]string{
		"a short word":                             "a short word",
		"swordfish, swordfishes, swordfishery":     "***, ***, ***ery",
		"first line\r\n  second line\nx":           "***",
		"first line\n  second line":                "***\n  ***",
		`{"key":"first line\r\n  second line\nx"}`: `{"key":"***"}`,
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestCut: of a credential that was cut where a text was shortened, nothing is left.
func TestCut(t *testing.T) {
	var s redact.Set
	s.Add(`sword"fish/of-ours`, "other-words")
	for text, want := range map[string]string{
		`said sword"fish/of…`:                 "said ***…",
		`{"said": "sword\"fish/of…", "x": 1}`: `{"said": "***…", "x": 1}`,
		`sword"f…, other-w… and other-words…`: "***…, ***… and ***…",
		`sword…`:                `sword…`, // so little tells nothing, and may be a word
		"…\nfish/of-ours is it": "…\n*** is it",
		`…/of-ours`:             "…***",
		`of-ours, sword"fish`:   `of-ours, sword"fish`, // nothing was cut here
		"… and … more…":         "… and … more…",
		"…":                     "…",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestForms: however a credential is written, it does not get through.
func TestForms(t *testing.T) {
	const secret = "p<&\"s+w/ö rd?=\\x"
	var s redact.Set
	s.Add(secret)
	asJSON, _ := json.Marshal(secret)
	ways := map[string]string{
		"json": string(asJSON), "json as text": `"p<&\"s+w/ö rd?=\\x"`, "query": "k=" + url.QueryEscape(secret) + "&x=1", "path": "/a/" + url.PathEscape(secret) + "/b",
		"json, quoted again": strconv.Quote(`{"a":` + string(asJSON) + `}`), "HTML": "<p>" + html.EscapeString(secret) + "</p>", "a user's password": "https://" + url.UserPassword("u", secret).String() + "@h",
	}
	for before := range 4 {
		for after := range 3 {
			text := strings.Repeat("u", before) + secret + strings.Repeat("v", after)
			ways[fmt.Sprintf("base64 %d %d", before, after)] = base64.StdEncoding.EncodeToString([]byte(text))
			ways[fmt.Sprintf("base64 url %d %d", before, after)] = base64.RawURLEncoding.EncodeToString([]byte(text))
		}
	}
	for way, text := range ways {
		got := s.Text(text)
		if !strings.Contains(got, redact.Mark) || len(got) > len(text)-len(secret)+8 {
			t.Errorf("%s: %q became %q", way, text, got)
		}
	}
}

// TestWhileItGrows: what is added counts from then on, for everybody.
func TestWhileItGrows(t *testing.T) {
	var s redact.Set
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			secret := fmt.Sprintf("credential-%02d", i)
			s.Add(secret)
			if got := s.Text("x " + secret); got != "x ***" {
				t.Errorf("%s: %q", secret, got)
			}
		})
	}
	all.Wait()
}
