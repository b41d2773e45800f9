package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/notify"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// site answers requests in this process, and keeps what it was sent.
type site struct {
	answers []int // in turn, the last again and again; 0 is no answer
	sent    []string
	headers []http.Header
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.sent, s.headers = append(s.sent, string(body)), append(s.headers, r.Header)
	status := s.answers[min(len(s.sent), len(s.answers))-1]
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Request: r, Header: http.Header{}}, nil
}

func hook(url string, events ...string) *pipeline.Hook {
	return &pipeline.Hook{URL: pipeline.At[string]{Value: url}, Events: events}
}

func outcome(status view.Status) notify.Message {
	return notify.Message{
		ID: "m-1", Pipeline: "shop", Command: "promote", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), RunURL: "https://github.example/octo/shop/actions/runs/7",
		Outcome: view.Outcome{Status: status, Promotion: "p-1", Release: "v42", Targets: []view.Target{{Target: "api", Stage: "production"}}},
	}
}

// told sends a message to hooks, and returns the warnings and how long it took.
func told(t *testing.T, s *site, env map[string]string, m notify.Message, hooks ...*pipeline.Hook) (warnings []string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		teller := notify.Teller{Getenv: func(name string) string { return env[name] }, Transport: s, Warn: func(text string) { warnings = append(warnings, text) }}
		teller.Tell(t.Context(), hooks, m)
		took = time.Since(begun)
	})
	return warnings, took
}

// TestChosen: a hook is told of what it asked for, once.
func TestChosen(t *testing.T) {
	waiting := outcome(view.Pending)
	waiting.Outcome.Targets[0].WaitingFor = &view.Waiting{Kind: rollout.WaitApproval}
	for _, c := range []struct {
		message notify.Message
		want    string
	}{
		{outcome(view.Succeeded), pipeline.ToldSucceeded}, {outcome(view.Failed), pipeline.ToldFailed}, {outcome(view.Error), pipeline.ToldFailed},
		{outcome(view.Pending), pipeline.ToldPending}, {waiting, pipeline.ToldWaiting},
		{outcome(view.Unchanged), ""}, {outcome(view.Refused), ""}, {outcome(view.Conflict), ""}, {outcome(view.Interrupted), ""},
	} {
		for _, event := range pipeline.Told() {
			s := &site{answers: []int{200}}
			if warnings, _ := told(t, s, nil, c.message, hook("https://h.example", event)); len(warnings) > 0 {
				t.Error(warnings)
			}
			if got := len(s.sent) == 1; got != (event == c.want) {
				t.Errorf("%s, wanted for %s: sent %d", c.message.Outcome.Status, event, len(s.sent))
			}
		}
	}
}

// TestAgain: what may go well later is sent again, to the letter, four times and not
// for longer than half a minute; what will not is sent once. Neither is more than a
// warning.
func TestAgain(t *testing.T) {
	for _, c := range []struct {
		answers []int
		sent    int
		warns   bool
	}{
		{[]int{204}, 1, false}, {[]int{0, 503, 429, 200}, 4, false}, {[]int{500}, 4, true}, {[]int{404}, 1, true}, {[]int{302}, 1, true},
	} {
		s := &site{answers: c.answers}
		warnings, took := told(t, s, nil, outcome(view.Succeeded), hook("https://h.example/a", pipeline.ToldSucceeded))
		if len(s.sent) != c.sent || len(warnings) > 0 != c.warns || took > 30*time.Second {
			t.Errorf("%v: sent %d, warnings %q, took %s", c.answers, len(s.sent), warnings, took)
		}
		for _, body := range s.sent {
			if body != s.sent[0] {
				t.Errorf("%v: sent something else again", c.answers)
			}
		}
	}
}

// TestStopped: an invocation that is told to stop tells nobody any more.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, warned := &site{answers: []int{200}}, 0
	notify.Teller{Getenv: func(string) string { return "" }, Transport: s, Warn: func(string) { warned++ }}.Tell(ctx, []*pipeline.Hook{hook("https://h.example", pipeline.ToldFailed)}, outcome(view.Failed))
	if len(s.sent) != 0 || warned != 1 {
		t.Errorf("sent %d, warned %d times", len(s.sent), warned)
	}
}

// TestEvent: a message is a CloudEvent with a CDEvent, signed where a key is named.
func TestEvent(t *testing.T) {
	m := outcome(view.Failed)
	m.Outcome.Targets[0].ErrorMessage = "verify failed"
	h := hook("https://h.example", pipeline.ToldFailed)
	h.Secret = "KEY"
	s := &site{answers: []int{200}}
	if warnings, _ := told(t, s, map[string]string{"KEY": "k"}, m, h); len(warnings) > 0 || len(s.sent) != 1 {
		t.Fatalf("%q, sent %d", warnings, len(s.sent))
	}
	if got := s.headers[0].Get("Content-Type"); got != "application/cloudevents+json" {
		t.Errorf("kind %q", got)
	}
	// The reference value was made by: printf body | openssl dgst -sha256 -hmac k
	if got := notify.Sign("k", []byte("body")); got != "sha256=c6d811ef3aeb02437cd423f1abe13209041864630bdc4e2c04def5c7b0031a23" {
		t.Errorf("signature %q", got)
	}
	if got := s.headers[0].Get(notify.Signature); got != notify.Sign("k", []byte(s.sent[0])) {
		t.Errorf("signed %q", got)
	}
	var e struct {
		SpecVersion, ID, Source, Type, Subject, Time string
		Data                                         struct {
			Context struct{ Version, ID, Type string }
			Subject struct {
				ID, Type string
				Content  struct{ PipelineName, URL, Outcome, Errors string }
			}
			CustomData struct{ Status, Release string }
		}
	}
	if err := json.Unmarshal([]byte(s.sent[0]), &e); err != nil {
		t.Fatal(err)
	}
	if e.SpecVersion != "1.0" || e.ID != "m-1" || e.Source != "/sluice/shop" || e.Type != "dev.cdevents.pipelinerun.finished.0.2.0" || e.Time != "2026-03-01T12:00:00Z" {
		t.Errorf("envelope %+v", e)
	}
	if c := e.Data.Subject.Content; c.Outcome != "failure" || c.Errors != "api: verify failed" || c.PipelineName != "shop" || e.Data.Context.Type != e.Type || e.Data.CustomData.Release != "v42" {
		t.Errorf("data %+v", e.Data)
	}
	if warnings, _ := told(t, s, nil, m, h); len(warnings) != 1 || !strings.Contains(warnings[0], "KEY") {
		t.Errorf("without the key: %q", warnings)
	}
}

// TestSlack: what others wrote is text in Slack, its address is never told, and what
// is too long for it is cut.
func TestSlack(t *testing.T) {
	m := outcome(view.Failed)
	m.Outcome.Targets = nil
	for range 30 {
		m.Outcome.Targets = append(m.Outcome.Targets, view.Target{Target: "api", Stage: "production", ErrorMessage: "<!channel> *bold* " + strings.Repeat("long ", 500)})
	}
	s := &site{answers: []int{403}}
	h := &pipeline.Hook{Slack: "WHERE", Events: []string{pipeline.ToldFailed}}
	warnings, _ := told(t, s, map[string]string{"WHERE": "https://hooks.slack.example/secret"}, m, h)
	if len(warnings) != 1 || strings.Contains(warnings[0], "secret") || !strings.Contains(warnings[0], "WHERE") {
		t.Errorf("warnings %q", warnings)
	}
	var sent struct {
		Text   string
		Blocks []struct {
			Type string
			Text struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(s.sent[0]), &sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.Blocks) != 3 || sent.Text != "shop: promote failed" {
		t.Fatalf("%d blocks, %q", len(sent.Blocks), sent.Text)
	}
	for _, b := range sent.Blocks {
		if strings.Contains(b.Text.Text, "<!") || len([]rune(b.Text.Text)) > 3000 {
			t.Errorf("block of %d characters: %.80s", len([]rune(b.Text.Text)), b.Text.Text)
		}
	}
	if warnings, _ := told(t, s, nil, m, h); len(warnings) != 1 || !strings.Contains(warnings[0], "WHERE is not set") {
		t.Errorf("without the address: %q", warnings)
	}
}
