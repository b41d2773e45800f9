package exec

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// docs/platforms.md: "Every document names the protocol, `sluice.exec/v1`"
const protocol = "sluice.exec/v1"

// kinds are what can be done.
//
// docs/platforms.md: "deploy and rollback are always among them, and weight, stable and disable all three or none"
func kinds() []string { return []string{"deploy", "weight", "stable", "disable", "rollback"} }

// question is what a program is asked.
type question struct {
	Protocol  string `json:"protocol"`
	Operation string `json:"operation"`
	Target    struct {
		Resource string `json:"resource"`
	} `json:"target"`
	Name   string `json:"name"`
	Effect struct {
		Key     string `json:"key"`
		Kind    string `json:"kind"`
		Release struct {
			ID string `json:"id"`
		} `json:"release"`
		Percent string          `json:"percent"`
		Before  json.RawMessage `json:"before"`
		WorkID  string          `json:"workId"`
	} `json:"effect"`
}

// questionOf reads a request: an effect comes as POST, anything else as GET.
func questionOf(r *http.Request, body []byte) (question, error) {
	var q question
	text := body
	if r.Method == http.MethodGet {
		text = []byte(r.URL.Query().Get("request"))
	}
	err := json.Unmarshal(text, &q)
	return q, err
}

// object is an answer.
type object map[string]any

func problem(code, message, remedy string) object {
	return object{"error": object{"code": code, "message": message, "remedy": remedy, "requestId": "sandbox-1"}}
}

func write(w http.ResponseWriter, status int, o object) {
	o["protocol"] = protocol
	kit.WriteJSON(w, status, "application/json", o)
}

// call is a question to a program, with the place that it is about.
type call struct {
	*state
	now   time.Time
	fault sandbox.FaultKind
	question
	place *place
}

// operations are what a program can be asked about a place, by name.
func operations() map[string]func(*call) (int, object) {
	return map[string]func(*call) (int, object){
		"live":    func(c *call) (int, object) { return http.StatusOK, c.live(c.place) },
		"resolve": resolve,
		"check":   func(*call) (int, object) { return http.StatusOK, object{"findings": []object{}} },
		"begin":   begin,
		"poll":    poll,
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.State.settle(e.Now(), e.Step)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		write(w, http.StatusBadRequest, problem("invalid", err.Error(), ""))
		return
	}
	q, err := questionOf(r, body)
	if err != nil || q.Protocol != protocol || strings.Trim(r.URL.Path, "/") != q.Operation {
		write(w, http.StatusBadRequest, problem("invalid", fmt.Sprintf("%s %s is no question of %s", r.Method, r.URL.Path, protocol), ""))
		return
	}
	if q.Operation == "describe" {
		write(w, http.StatusOK, object{"kinds": kinds(), "settle": "2s", "checks": true})
		return
	}
	p, serve := e.State.Places[q.Target.Resource], operations()[q.Operation]
	switch {
	case p == nil:
		write(w, http.StatusNotFound, problem("notFound", fmt.Sprintf("nothing is called %q", q.Target.Resource), "check exec.resource"))
	case serve == nil:
		write(w, http.StatusBadRequest, problem("unsupported", "unknown operation "+q.Operation, ""))
	default:
		status, answer := serve(&call{&e.State, e.Now(), sandbox.FaultOf(r), q, p})
		write(w, status, answer)
	}
}

// settle ends the effects whose time is over.
//
// docs/platforms.md: "What is on its way is pending, and the release is what runs until then"
func (s *state) settle(now time.Time, step time.Duration) {
	for _, p := range s.Places {
		w := p.Work
		if w == nil || w.Over || !w.Run(now, step) {
			continue
		}
		w.Over = true
		if w.Fault != FaultFail {
			p.Runs, p.Canary, p.Percent = w.Runs, w.Canary, w.Percent
		}
		p.Changes++
	}
}

// live says what runs.
//
// docs/platforms.md: "its state differs after every change and is the same as long as nobody changes the target"
func (s *state) live(p *place) object {
	o := object{"release": s.release(p.Runs), "state": object{"changes": p.Changes, "work": p.key()}}
	if p.Canary != "" {
		o["canary"] = object{"release": s.release(p.Canary), "percent": p.Percent}
	}
	if p.Work != nil && !p.Work.Over {
		to := p.Work.Runs
		if p.Work.Canary != "" {
			to = p.Work.Canary
		}
		o["pending"] = s.release(to)
	}
	return o
}

// key is the effect under way, "" for none.
func (p *place) key() string {
	if p.Work == nil || p.Work.Over {
		return ""
	}
	return p.Work.Key
}

func (s *state) find(id string) int {
	return slices.IndexFunc(s.Releases, func(r release) bool { return r.ID == id })
}

func (s *state) release(id string) any {
	if i := s.find(id); i >= 0 {
		return s.Releases[i]
	}
	return nil
}

// resolve finds a release by its id, or the newest.
//
// docs/platforms.md: "A release that it does not know is an error of the code notFound"
func resolve(c *call) (int, object) {
	i := c.find(c.Name)
	if c.Name == "latest" {
		i = len(c.Releases) - 1
	}
	if i < 0 {
		return http.StatusNotFound, problem("notFound", fmt.Sprintf("there is no release %q", c.Name), "name one that was built")
	}
	return http.StatusOK, object{"release": c.Releases[i]}
}

// begin begins an effect.
//
// docs/platforms.md: "One that is begun on a state that is not there any more is refused as retryable and stale"
func begin(c *call) (int, object) {
	p, effect := c.place, c.Effect
	stands, _ := json.Marshal(c.live(p)["state"]) //nolint:errchkjson // plain data
	switch {
	case string(effect.Before) != string(stands):
		o := problem("retryable", "the place was changed since it was read", "")
		o["error"].(object)["stale"] = true
		return http.StatusConflict, o
	case c.find(effect.Release.ID) < 0:
		return http.StatusNotFound, problem("notFound", fmt.Sprintf("there is no release %q", effect.Release.ID), "name one that was built")
	case !slices.Contains(kinds(), effect.Kind):
		return http.StatusBadRequest, problem("unsupported", "unknown kind "+effect.Kind, "")
	}
	p.Work = &work{
		ID: fmt.Sprintf("work-%d", c.Next()), Key: effect.Key, Runs: effect.Release.ID, Work: kit.Begin(c.now.UTC(), c.fault),
	}
	if effect.Kind == "weight" {
		p.Work.Runs, p.Work.Canary, p.Work.Percent = p.Runs, effect.Release.ID, effect.Percent
	}
	return http.StatusOK, object{"status": "running", "workId": p.Work.ID}
}

// poll says how far the newest effect is.
//
// docs/platforms.md: "Where the answer to begin was lost it has no workId, and is about the newest effect"
func poll(c *call) (int, object) {
	w := c.place.Work
	switch {
	case w == nil, c.Effect.WorkID != "" && c.Effect.WorkID != w.ID:
		return http.StatusOK, object{"status": "failed", "errors": []object{{"code": "GONE", "message": "another effect took its place"}}}
	case !w.Over:
		return http.StatusOK, object{"status": "running", "workId": w.ID, "wait": "1s"}
	case w.Fault == FaultFail:
		return http.StatusOK, object{"status": "failed", "errors": []object{{"code": "UNHEALTHY", "message": "it did not become healthy"}}, "log": "starting\nexit status 1\n"}
	default:
		return http.StatusOK, object{"status": "succeeded"}
	}
}
