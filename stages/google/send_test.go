package google_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// craterRules know how a crater is changed, and who may dig there.
func craterRules() google.API {
	api := moon()
	api.Rules.Verbs = map[string]func(google.Fields) error{"digger": func(d google.Fields) error { return d.Lacks("who") }}
	api.Rules.Effect = func(_ string, answer google.Fields) error { return answer.Lacks("done") }
	return api
}

func open(t *testing.T, answer func(*http.Request) (int, string)) (*google.Client, *transport) {
	t.Helper()
	tr := &transport{answer: answer}
	c, err := google.Open(env(tr, map[string]string{override: "http://127.0.0.1:1/"}), craterRules())
	if err != nil {
		t.Fatal(err)
	}
	return c, tr
}

// What changes something is sent once, with its body, and its answer is held to the
// rule of effects.
func TestSend(t *testing.T) {
	var body string
	text := `{"done":true}`
	c, tr := open(t, func(r *http.Request) (int, string) {
		data, err := io.ReadAll(r.Body)
		if body = string(data); err != nil {
			t.Error(err)
		}
		return http.StatusOK, text
	})
	got, err := c.Send(t.Context(), http.MethodPatch, crater, map[string][]string{"updateMask": {"depth"}, "requestId": {""}, "override": {"a", "b"}}, map[string]int{"depth": 7})
	if err != nil || string(got) != text || body != `{"depth":7}` {
		t.Errorf("%s, %v, sent %s", got, err, body)
	}
	r := tr.seen[0]
	if r.Method != http.MethodPatch || r.URL.Query().Get("updateMask") != "depth" || len(r.URL.Query()["override"]) != 2 || r.URL.Query().Has("requestId") || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	text = "{}"
	_, err = c.Send(t.Context(), http.MethodDelete, crater, nil, nil)
	if google.Explain(err, google.Remedies{}).Code != driver.Lost || body != "" || len(tr.seen) != 2 {
		t.Errorf("%v, sent %q, %d requests", err, body, len(tr.seen))
	}
	if _, err := c.Send(t.Context(), http.MethodPost, "v1/../other", nil, nil); google.Explain(err, google.Remedies{}).Code != driver.Invalid || len(tr.seen) != 2 {
		t.Errorf("%v after %d requests", err, len(tr.seen))
	}
}

// A read that is no resource has a rule of its own; without one nothing of it is
// believed.
func TestVerbs(t *testing.T) {
	text := `{"who":"anna"}`
	c, _ := open(t, func(*http.Request) (int, string) { return http.StatusOK, text })
	if _, err := c.Get(t.Context(), crater+":digger"); err != nil {
		t.Error(err)
	}
	for path, answer := range map[string]string{crater + ":digger": `{}`, crater + ":other": `{"who":"anna"}`} {
		text = answer
		if _, err := c.Get(t.Context(), path); google.Explain(err, google.Remedies{}).Code != driver.Lost {
			t.Errorf("%s of %s: %v", answer, path, err)
		}
	}
}

// A list is read to its end, in its order; one that goes round is none.
func TestList(t *testing.T) {
	pages := map[string]string{
		"":  `{"craters":[{"name":"projects/p/craters/b","uid":"2"}],"nextPageToken":"1"}`,
		"1": `{"nextPageToken":"2"}`,
		"2": `{"craters":[{"name":"projects/p/craters/a","uid":"1"}]}`,
	}
	c, tr := open(t, func(r *http.Request) (int, string) { return http.StatusOK, pages[r.URL.Query().Get("pageToken")] })
	type named struct{ Name string }
	all, err := google.List[named](t.Context(), c, "v1/projects/p/craters", "craters")
	if err != nil || len(all) != 2 || !strings.HasSuffix(all[0].Name, "/b") {
		t.Errorf("%+v, %v", all, err)
	}
	read := 0
	for page, err := range google.EachPage[named](t.Context(), c, "v1/projects/p/craters", "craters", nil) {
		if read++; err != nil || len(page) != 1 {
			t.Errorf("%+v, %v", page, err)
		}
		break
	}
	if read != 1 || len(tr.seen) != 4 {
		t.Errorf("%d pages by %d requests: nobody wants the others", read, len(tr.seen)-3)
	}
	pages["2"] = `{"nextPageToken":"1"}`
	_, err = google.List[named](t.Context(), c, "v1/projects/p/craters", "craters")
	if _, ok := errors.AsType[*google.AnswerError](err); !ok {
		t.Errorf("a list without an end: %v", err)
	}
}

// What does not fit the caller's type is no answer.
func TestDecoded(t *testing.T) {
	type depth struct{ Depth int }
	got, err := google.Decoded[depth]([]byte(`{"depth":7,"more":true}`), nil)
	if err != nil || got.Depth != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = google.Decoded[depth]([]byte(`{"depth":"deep"}`), nil)
	if google.Explain(err, google.Remedies{}).Code != driver.Lost {
		t.Errorf("%v", err)
	}
	refusal := errors.New("no")
	if _, err := google.Decoded[depth](nil, refusal); !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
}
