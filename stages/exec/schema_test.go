package exec_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sluice/stages/driver"
	"sluice/stages/exec"
)

// documents keeps what is asked and answered.
type documents struct {
	mu   sync.Mutex
	asks map[string]int // by operation
	t    *testing.T
	of   map[string]*jsonschema.Schema
}

// RoundTrip holds a question and its answer to the schema.
func (d *documents) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := []byte(r.URL.Query().Get("request"))
	if r.Method == http.MethodPost {
		asked, _ = io.ReadAll(r.Body) //nolint:errcheck // it is in memory
		r.Body = io.NopCloser(bytes.NewReader(asked))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answered, err := io.ReadAll(resp.Body)
	resp.Body.Close() //nolint:errcheck // it was read
	resp.Body = io.NopCloser(bytes.NewReader(answered))
	d.mu.Lock()
	defer d.mu.Unlock()
	var q struct{ Operation string }
	if json.Unmarshal(asked, &q) == nil {
		d.asks[q.Operation]++
	}
	d.holds("request", asked)
	d.holds("answer", answered)
	return resp, err
}

func (d *documents) holds(what string, text []byte) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = d.of[what].Validate(v)
	}
	if err != nil {
		d.t.Errorf("%s %s: %v", what, text, err)
	}
}

// TestSchema: whatever is asked and answered on the way of every kind is as the page's
// schema has it, which refuses what the driver does.
func TestSchema(t *testing.T) {
	d := &documents{asks: map[string]int{}, t: t, of: map[string]*jsonschema.Schema{}}
	text, err := os.ReadFile("../../docs/exec.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://sluice.example/exec", document); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"request", "answer"} {
		if d.of[what], err = c.Compile("https://sluice.example/exec#/$defs/" + what); err != nil {
			t.Fatal(err)
		}
	}
	h := newHarness(t)
	driven, err := exec.Open(t.Context(), driver.Env{Getenv: func(name string) string { return h.Env[name] }, Transport: d, Now: h.Now})
	if err != nil {
		t.Fatal(err)
	}
	target, source := h.Members[0].Target, h.Members[0].Source
	release, err := driven.Resolve(t.Context(), target, "release-2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := driven.Resolve(t.Context(), target, "nosuchrelease"); err == nil {
		t.Error("it is found")
	}
	change := driver.Change{Target: target, Source: &source, Release: release, Percent: "10.5"}
	for _, kind := range []driver.Kind{driver.Weight, driver.Stable, driver.Rollback} {
		p, err := driven.Prepare(t.Context(), driver.Call{Key: string(kind), Kind: kind, Changes: []driver.Change{change}})
		if err != nil {
			t.Fatal(err)
		}
		if kind == driver.Weight {
			change.Baseline = p.Before[target.Name]
		}
		p.Call.Intended = h.Now()
		op, err := driven.Begin(t.Context(), p.Call)
		for err == nil && !op.Finished() {
			op.Call = p.Call
			h.Advance(1e9)
			op, _, err = driven.Poll(t.Context(), op)
		}
		if err != nil || op.Results[target.Name].Outcome != driver.Succeeded {
			t.Fatalf("%s: %+v, %v", kind, op, err)
		}
		change.Expected = op.Results[target.Name].After
	}
	for _, operation := range []string{"describe", "live", "resolve", "check", "begin", "poll"} {
		if d.asks[operation] == 0 {
			t.Errorf("nothing was asked by %s: %v", operation, d.asks)
		}
	}
	for _, bad := range []string{`{"protocol": "sluice.exec/v1"}`, `{"protocol": "sluice.exec/v1", "release": null}`, `{"protocol": "sluice.exec/v1", "status": "running"}`, `{"protocol": "sluice.exec/v1", "status": "failed"}`, `{"protocol": "sluice.exec/v1", "error": {"code": "oops", "message": "x"}}`, `{}`} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(bad)))
		if err != nil || d.of["answer"].Validate(v) == nil {
			t.Errorf("%s is accepted (%v)", bad, err)
		}
	}
}
