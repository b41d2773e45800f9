package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"sluice/internal/sandbox"
	"sluice/pipeline"
)

// counters is a platform of named counters: POST /NAME raises one, GET reads it.
type counters struct {
	state map[string]int
	known map[string]bool
}

func newCounters() *counters { return &counters{state: map[string]int{}, known: map[string]bool{}} }

func (c *counters) Platform() string { return "counters" }

func (c *counters) Env(base string) map[string]string {
	return map[string]string{"COUNTERS_URL": base, "COUNTERS_TOKEN": "dummy"}
}

func (c *counters) Seed(p *pipeline.Pipeline) error {
	for _, stage := range p.Stages {
		for _, t := range stage.Targets {
			c.known[t.Name.Value] = true
			if _, ok := c.state[t.Name.Value]; !ok {
				c.state[t.Name.Value] = 100
			}
		}
	}
	return nil
}

// Moved implements sandbox.Mover: reading changes no counter.
func (*counters) Moved() bool { return false }

func (c *counters) Save() ([]byte, error) { return json.Marshal(c.state) }

func (c *counters) Restore(state []byte) error {
	next := map[string]int{}
	if err := json.Unmarshal(state, &next); err != nil {
		return err
	}
	c.state = next
	return nil
}

func (c *counters) Classify(r *http.Request, _ []byte) sandbox.Action {
	a := sandbox.Action{Kind: "deploy"}
	if r.Method == http.MethodGet {
		a.Kind = sandbox.Read
	}
	if name := r.URL.Path[1:]; c.known[name] {
		a.Targets = []string{name}
	}
	return a
}

func (c *counters) Refuse(w http.ResponseWriter, _ *http.Request, why sandbox.Refusal) {
	http.Error(w, string(why), map[sandbox.Refusal]int{sandbox.Throttle: 429, sandbox.Broken: 500, sandbox.Denied: 403}[why])
}

func (c *counters) Intrude(target string) error {
	if !c.known[target] || target == "untouchable" {
		return errors.New("nobody may")
	}
	c.state[target] += 1000
	return nil
}

func (c *counters) FaultKinds() []string { return []string{"fail"} }

func (c *counters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[1:]
	if sandbox.FaultOf(r) == "fail" {
		http.Error(w, "failed", http.StatusConflict)
		return
	}
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		c.state[name] += max(len(body), 1)
	}
	fmt.Fprint(w, c.state[name])
}

type renamed struct {
	*counters
	name string
}

func (r *renamed) Platform() string                  { return r.name }
func (r *renamed) Env(base string) map[string]string { return map[string]string{r.name: base} }
