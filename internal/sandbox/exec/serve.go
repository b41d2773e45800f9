package exec

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

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

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.settle()
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
	p := e.State.Places[q.Target.Resource]
	if p == nil {
		write(w, http.StatusNotFound, problem("notFound", fmt.Sprintf("nothing is called %q", q.Target.Resource), "check exec.resource"))
		return
	}
	status, answer := e.answer(r, q, p)
	write(w, status, answer)
}

// settle ends the effects whose time is over.
//
// docs/platforms.md: "What is on its way is pending, and the release is what runs until then"
func (e *Emulator) settle() {
	for _, p := range e.State.Places {
		w := p.Work
		if w == nil || w.Over || !w.Run(e.Now(), e.Step) {
			continue
		}
		w.Over = true
		if w.Fault != FaultFail {
			p.Runs, p.Canary, p.Percent = w.Runs, w.Canary, w.Percent
		}
		p.Changes++
	}
}

func (e *Emulator) answer(r *http.Request, q question, p *place) (int, object) {
	switch q.Operation {
	case "live":
		return http.StatusOK, e.live(p)
	case "resolve":
		return e.resolve(q.Name)
	case "check":
		return http.StatusOK, object{"findings": []object{}}
	case "begin":
		return e.begin(r, q, p)
	case "poll":
		return http.StatusOK, p.poll(q)
	default:
		return http.StatusBadRequest, problem("unsupported", "unknown operation "+q.Operation, "")
	}
}

// live says what runs.
//
// docs/platforms.md: "its state differs after every change and is the same as long as nobody changes the target"
func (e *Emulator) live(p *place) object {
	o := object{"release": e.release(p.Runs), "state": object{"changes": p.Changes, "work": p.key()}}
	if p.Canary != "" {
		o["canary"] = object{"release": e.release(p.Canary), "percent": p.Percent}
	}
	if p.Work != nil && !p.Work.Over {
		to := p.Work.Runs
		if p.Work.Canary != "" {
			to = p.Work.Canary
		}
		o["pending"] = e.release(to)
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

func (e *Emulator) find(id string) int {
	return slices.IndexFunc(e.State.Releases, func(r release) bool { return r.ID == id })
}

func (e *Emulator) release(id string) any {
	if i := e.find(id); i >= 0 {
		return e.State.Releases[i]
	}
	return nil
}

// resolve finds a release by its id, or the newest.
//
// docs/platforms.md: "A release that it does not know is an error of the code notFound"
func (e *Emulator) resolve(name string) (int, object) {
	i := e.find(name)
	if name == "latest" {
		i = len(e.State.Releases) - 1
	}
	if i < 0 {
		return http.StatusNotFound, problem("notFound", fmt.Sprintf("there is no release %q", name), "name one that was built")
	}
	return http.StatusOK, object{"release": e.State.Releases[i]}
}

// begin begins an effect.
//
// docs/platforms.md: "One that is begun on a state that is not there any more is refused as retryable and stale"
func (e *Emulator) begin(r *http.Request, q question, p *place) (int, object) {
	stands, _ := json.Marshal(e.live(p)["state"]) //nolint:errchkjson // plain data
	switch {
	case string(q.Effect.Before) != string(stands):
		o := problem("retryable", "the place was changed since it was read", "")
		o["error"].(object)["stale"] = true
		return http.StatusConflict, o
	case e.find(q.Effect.Release.ID) < 0:
		return http.StatusNotFound, problem("notFound", fmt.Sprintf("there is no release %q", q.Effect.Release.ID), "name one that was built")
	case !slices.Contains(kinds(), q.Effect.Kind):
		return http.StatusBadRequest, problem("unsupported", "unknown kind "+q.Effect.Kind, "")
	}
	p.Work = &work{
		ID: fmt.Sprintf("work-%d", e.State.Next()), Key: q.Effect.Key, Runs: q.Effect.Release.ID, Work: kit.Begin(e.Now().UTC(), sandbox.FaultOf(r)),
	}
	if q.Effect.Kind == "weight" {
		p.Work.Runs, p.Work.Canary, p.Work.Percent = p.Runs, q.Effect.Release.ID, q.Effect.Percent
	}
	return http.StatusOK, object{"status": "running", "workId": p.Work.ID}
}

// poll says how far the newest effect is.
//
// docs/platforms.md: "Where the answer to begin was lost it has no workId, and is about the newest effect"
func (p *place) poll(q question) object {
	w := p.Work
	switch {
	case w == nil, q.Effect.WorkID != "" && q.Effect.WorkID != w.ID:
		return object{"status": "failed", "errors": []object{{"code": "GONE", "message": "another effect took its place"}}}
	case !w.Over:
		return object{"status": "running", "workId": w.ID, "wait": "1s"}
	case w.Fault == FaultFail:
		return object{"status": "failed", "errors": []object{{"code": "UNHEALTHY", "message": "it did not become healthy"}}, "log": "starting\nexit status 1\n"}
	default:
		return object{"status": "succeeded"}
	}
}
