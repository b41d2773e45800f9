package entrecode

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLooseIDs(t *testing.T) {
	for in, want := range map[string]string{
		`693`: "693", `"693"`: "693", `693.0`: "693", `6.93e2`: "693", `" a-b "`: "a-b", `9223372036854775807`: "9223372036854775807",
		`1.5`: "", `true`: "", `null`: "", `{}`: "", `[1]`: "", ``: "", `1e400`: "",
	} {
		if got := looseID(json.RawMessage(in)); got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{`["a",2,null,{}]`: "a,2", `"a"`: "a", `[]`: "", `null`: ""} {
		if got := strings.Join(looseIDs(json.RawMessage(in)), ","); got != want {
			t.Errorf("%s are %q, want %q", in, got, want)
		}
	}
}

func TestLooseTimes(t *testing.T) {
	const whole, parts = "2017-03-03T14:35:12Z", "2017-03-03T14:35:12.77Z"
	for in, want := range map[string]string{
		`"2017-03-03T14:35:12.770Z"`:        parts,
		`"2017-03-03T14:35:12.77+00:00"`:    parts,
		`"2017-03-03T15:35:12.77+0100"`:     parts,
		`"2017-03-03 14:35:12.77+00"`:       parts,
		`"2017-03-03 14:35:12.77 +00:00"`:   parts,
		`"2017-03-03T14:35:12,77"`:          parts,
		`1488551712770`:                     parts,
		`"2017-03-03T14:35:12"`:             whole,
		`"2017-03-03T14:35Z"`:               "2017-03-03T14:35:00Z",
		`"2017-03-03"`:                      "2017-03-03T00:00:00Z",
		`"Fri, 03 Mar 2017 14:35:12 GMT"`:   whole,
		`"Fri, 03 Mar 2017 14:35:12 +0000"`: whole,
		`"yesterday"`:                       "", `null`: "", `-5`: "", `{}`: "", ``: "", `"2017-03-03 x"`: "", `99999999999999999`: "",
	} {
		want, _ := time.Parse(time.RFC3339, want)
		if got := looseTime(json.RawMessage(in)); !got.Equal(want) {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestLinkForms(t *testing.T) {
	r, err := parseResource(&url.URL{Scheme: "https", Host: "h", Path: "/here"}, []byte(`{"id":1,"_links":{
		"one":{"href":"a{?x,y}"},"many":[{"href":"/b"},null,{"href":"/c"}],"none":null,"empty":[],"blank":{"href":""},
		"curies":[{"name":"zz","href":"nowhere/{rel}"},{"name":"ec","href":"http://rel/{rel}"}],"http://rel/app/x":{"href":"/x"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	l, ok := r.one("one")
	if !ok || !l.names("x") || l.names("z") {
		t.Errorf("%+v, %t", l, ok)
	}
	for want, values := range map[string]map[string][]string{
		"https://h/a?x=1":         {"x": {"1"}, "z": {"9"}},
		"https://h/a?x=1,2&y=%26": {"x": {"1", "2"}, "y": {"&"}},
		"https://h/a":             nil,
	} {
		if u, err := r.address(l, values); err != nil || u.String() != want {
			t.Errorf("%v, %v; want %s", u, err, want)
		}
	}
	if n := len(r.related("many")); n != 2 {
		t.Errorf("%d links", n)
	}
	for _, rel := range []string{"none", "empty", "blank", "missing", "zz:app/x"} {
		if l, ok := r.one(rel); ok {
			t.Errorf("%s is %+v", rel, l)
		}
	}
	if l, ok := r.one("ec:app/x"); !ok || l.Href != "/x" {
		t.Errorf("%+v", l)
	}
	for _, bad := range []string{"{", "{?x", "http://[::1"} {
		if u, err := r.address(link{Href: bad}, nil); err == nil {
			t.Errorf("%q leads to %s", bad, u)
		}
	}
}

func TestNoResource(t *testing.T) {
	for _, in := range []string{
		``, `null`, `[]`, `"x"`, `{"_links":[]}`, `{"_links":{"a":"b"}}`, `{"_embedded":{"a":[1]}}`, `{"_embedded":{"a":[}}`,
		strings.Repeat(`{"_embedded":{"a":`, 20) + `{}` + strings.Repeat(`}}`, 20),
	} {
		if r, err := parseResource(nil, []byte(in)); err == nil {
			t.Errorf("%s is %+v", in, r)
		}
	}
}

func TestEventsInOrder(t *testing.T) {
	r, err := parseResource(nil, []byte(`{"deploymentID":1,"successful":"error","started":"2026-01-01T00:00:00Z","events":[
		{"deploymentEventID":"100","timestamp":"2026-01-01T00:00:02Z","temporary":true,"message":"third","info":{"queue": [1, 2]}},
		{"deploymentEventID":11,"deploymentEventType":"info","timestamp":"2026-01-01T00:00:01Z","temporary":"true","message":{"odd":1}},
		{"deploymentEventID":12,"timestamp":"2026-01-01T00:00:01Z","message":"second"},
		{"timestamp":"not one","message":"no id"}, 7, null,
		{"deploymentEventID":101,"deploymentEventType":"anything","temporary":true,"timestamp":"2026-01-01T00:00:02Z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := deploymentOf(r)
	if err != nil {
		t.Fatal(err)
	}
	events := d.history()
	var got []string
	for _, e := range events {
		got = append(got, e.Message+"<"+strings.TrimPrefix(e.Action, "1/"))
	}
	if want := []string{`no id<`, `{"odd":1}<11`, "second<11", "third<100", "<100", "deployment 1 ended: error<100"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, e := range events {
		if want := map[string]string{"1/100": `{"queue":[1,2]}`}[e.ID]; e.Info != want {
			t.Errorf("event %s says besides %q, want %q", e.ID, e.Info, want)
		}
	}
	again := d.history()
	for i, e := range events {
		if again[i] != e {
			t.Errorf("read again it is %+v, was %+v", again[i], e)
		}
	}
	if problems := d.errors(); len(problems) != 1 || !strings.Contains(problems[0].Message, "no event says why") {
		t.Errorf("%+v", problems)
	}
}

// FuzzResource: whatever a server sends is a resource or an error, and every
// link of a resource leads somewhere or says why not.
func FuzzResource(f *testing.F) {
	f.Add([]byte(`{"deploymentID":"1","_links":{"self":{"href":"/a{?b}"},"curies":{"href":"x{rel}"}},"_embedded":{"ec:app":{"appID":1}}}`))
	f.Add([]byte(`{"deploymentID":1051,"events":[{"timestamp":"2017-03-03T14:35:12.77+00:00","temporary":true}],"results":[{}],"creator":{"email":"x"}}`))
	f.Add([]byte(`{"_links":{"next":[null]},"total":"9"}`))
	base := &url.URL{Scheme: "https", Host: "h", Path: "/"}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseResource(base, data)
		if err != nil {
			return
		}
		for rel, links := range r.links {
			if got := r.related(rel); len(got) != len(links) {
				t.Errorf("%q has %d links and shows %d", rel, len(links), len(got))
			}
			for _, l := range links {
				if u, err := r.address(l, map[string][]string{"b": {"1", "2"}}); err == nil && u == nil {
					t.Errorf("%q leads nowhere", l.Href)
				}
			}
		}
		d, err := deploymentOf(r)
		if err != nil {
			return
		}
		if _, err := json.Marshal(d.history()); err != nil {
			t.Errorf("events cannot be kept: %v", err)
		}
		if results := d.results(); results != nil && !json.Valid(results) {
			t.Errorf("results %q", results)
		}
	})
}

// FuzzTime: a time is always one that the state can keep.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2017-03-03T14:35:12.77+00:00", "2017-03-03 14:35:12 +24", "9999-12-31T23:59:59-23:59", "0000-01-01"} {
		f.Add(s, int64(1488551712770))
	}
	f.Fuzz(func(t *testing.T, s string, ms int64) {
		quoted, err := json.Marshal(s)
		if err != nil {
			return
		}
		number, err := json.Marshal(ms)
		if err != nil {
			return
		}
		for _, raw := range []json.RawMessage{quoted, number} {
			got := looseTime(raw)
			kept, err := json.Marshal(got)
			if err != nil {
				t.Fatalf("%s became %s: %v", raw, got, err)
			}
			if again := looseTime(kept); !again.Equal(got) {
				t.Errorf("%s was kept as %s and read back as %s", raw, kept, again)
			}
		}
	})
}

// FuzzProblem: every error answer says something, on one line, of bounded
// length where it is no problem document.
func FuzzProblem(f *testing.F) {
	f.Add(404, []byte(`{"status":404,"code":3102,"title":"x","detail":"buildID","verbose":{"a":1},"_embedded":{"error":[{"code":1}]}}`))
	f.Add(502, []byte("<html>\r\n\xff"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		p := parseProblem(status, body)
		text := p.Error()
		if strings.ContainsAny(text, "\n\r") {
			t.Errorf("%q has several lines", text)
		}
		if _, err := parseDocument(body); err != nil && len([]rune(text)) > maxQuote+100 {
			t.Errorf("%d characters of what is no problem document", len(text))
		}
		p.method = "POST"
		if x := p.explain(); x.Code == "" || x.Code == "retryable" && status != 429 {
			t.Errorf("a POST with status %d is %q", status, x.Code)
		}
	})
}
