package outsidetest

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
)

type word string

type inner struct {
	Word word
	List []string
}

type outer struct {
	Text    string
	Number  int
	At      time.Time
	Inner   inner
	Pointer *inner
	Many    []inner
	Names   map[string]inner
	Raw     json.RawMessage
	Self    *outer
	hidden  string
}

// TestPlaces: every string of a type is found, and is where the text is put; nobody
// who shares a list or a map sees it.
func TestPlaces(t *testing.T) {
	want := []string{
		"Text", "Inner.Word", "Inner.List[]", "Pointer.Word", "Pointer.List[]", "Many[].Word", "Many[].List[]",
		"Names{name}", "Names{}.Word", "Names{}.List[]", "Raw(json)",
	}
	var got []string
	base := outer{Many: []inner{{Word: "a"}, {Word: "b"}}, Names: map[string]inner{"x": {Word: "c"}}, Pointer: &inner{Word: "d"}, Raw: json.RawMessage(`{"n": 1, "t": ["e"]}`), hidden: "f"}
	before, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range PlacesOf[outer]() {
		got = append(got, p.Path)
		v := base
		p.Put(&v, "planted")
		if reflect.DeepEqual(v, base) {
			t.Errorf("%s: nothing was put there", p.Path)
		}
		if p.Path == "Many[].Word" && (v.Many[0].Word != "planted" || v.Many[1].Word != "planted") {
			t.Errorf("%s: %v", p.Path, v.Many)
		}
		if p.Path == "Raw(json)" && string(v.Raw) != `{"n":1,"t":["planted"]}` {
			t.Errorf("%s: %s", p.Path, v.Raw)
		}
		if p.Path == "Names{name}" && len(v.Names) != 2 {
			t.Errorf("%s: %v", p.Path, v.Names)
		}
		if after, _ := json.Marshal(base); string(after) != string(before) {
			t.Fatalf("%s: what is shared was changed: %s", p.Path, after)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("places are %q, want %q", got, want)
	}
}

// TestJudges: each judge finds what it is for, and nothing in what is well.
func TestJudges(t *testing.T) {
	markdown := func(text string) []string { return Markdown(text, "https://ours.example/") }
	outputs := func(file string) []string {
		_, _, wrong := Outputs(file, []string{"status", "release"})
		return wrong
	}
	secret := func(text string) []string { return Shows(text, Secrets()[0]) }
	uuid := func(text string) []string { return Shows(text, Secrets()[1]) }
	slack := func(text string) []string { return Slack([]byte(text)) }
	for _, test := range []struct {
		judge func(string) []string
		text  string
		wrong bool
	}{
		{Terminal, "plain ünïcode\tx\n", false}, {Terminal, "\x1b[31m", true}, {Terminal, "a\u202eb", true}, {Terminal, "\u2028", true},
		{Runner, "::warning title=x,file=y,line=1::a%0Ab\nplain :: text\n", false}, {Runner, "::error::acted", true}, {Runner, "  ::set-output name=a::b", true},
		{Runner, "a\r::set-env::x", true}, {Runner, "x ##[error]y", true}, {Runner, "::error acted=1::x", true}, {Runner, "::stop-commands::acted\n::acted::", true},
		{Runner, "::stop-commands::ABCDEFGHIJKLMNOPQRSTUVWXYZ\n::error::acted\n::ABCDEFGHIJKLMNOPQRSTUVWXYZ::\n", false},
		{Runner, "::stop-commands::ABCDEFGHIJKLMNOPQRSTUVWXYZ\n::error::x\n", true},
		{outputs, "status<<x\na\nb\nx\nrelease<<y\n\ny\n", false}, {outputs, "status<<x\na\nx\nacted=1\nx\n", true}, {outputs, "status<<x\na\n", true}, {outputs, "status<<x\nx\nstatus<<y\ny\n", true},
		{Document, `{"a": "b\u202e"}`, false}, {Document, "{} {}", true},
		{markdown, "### ✅ shop\n\n| a |\n|---|\n| `@x` |\n\n- **api**: \\#\u200b1\n\n```mermaid\nflowchart LR\n  s0[\"a\"]:::idle\n```\n", false},
		{markdown, "### a\n\n# b", true}, {markdown, "<b>", true}, {markdown, "[a](b)", true}, {markdown, "[a](https://ours.example/x)", false}, {markdown, "[a](https://ours.example.acted/)", true}, {markdown, "https://x.example", true}, {markdown, "@acted", true}, {markdown, "a#1", true},
		{markdown, "```mermaid\nflowchart LR\n  click s0\n```\n", true}, {markdown, "```sh\nx\n```", true}, {markdown, "> a", true}, {markdown, "a\u202e", true},
		{Page, "<p>&lt;b&gt;</p><a href=\"https://x.example\">x</a>", false}, {Page, "<script>1</script>", true}, {Page, "<p onclick=a>", true}, {Page, "<a href=\"javascript:acted\">x</a>", true},
		{slack, `{"text": "&lt;!channel&gt;"}`, false}, {slack, `{"text": "<!channel>"}`, true},
		{secret, "*** token", false}, {secret, Secrets()[0], true}, {secret, `wild\_t0ken`, true}, {secret, "wild_\n    t0ken", true}, {secret, `wild_t0ken*of\u003cours`, true},
		{uuid, "run 0a1b2c3d failed", true}, {uuid, "0a1b2c3", false},
	} {
		if got := test.judge(test.text); (len(got) > 0) != test.wrong {
			t.Errorf("%q: found %q", test.text, got)
		}
	}
}
