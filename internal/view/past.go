package view

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// PastRollout is a rollout as the history has it.
type PastRollout struct {
	Target          string        `json:"target"`
	Stage           string        `json:"stage"`
	Platform        string        `json:"platform"`
	Rollout         string        `json:"rollout"`
	PlatformRollout string        `json:"platformRollout,omitempty"` // what the platform calls its own
	Command         string        `json:"command"`
	Promotion       string        `json:"promotion"`
	Release         string        `json:"release"`
	ReleaseName     string        `json:"releaseName,omitempty"`
	PlatformRelease string        `json:"platformRelease,omitempty"` // the platform's record of it on this target
	Previous        string        `json:"previous,omitempty"`        // the release that ran before it
	State           rollout.State `json:"state"`
	Created         time.Time     `json:"created"`
	Ended           time.Time     `json:"ended,omitzero"`
	By              string        `json:"by"`
	Reason          string        `json:"reason,omitempty"`
	Commit          string        `json:"commit,omitempty"` // of the pipeline file
	RunURL          string        `json:"runURL,omitempty"`
	Overrides       []string      `json:"overrides,omitempty"` // blocks that it passed
	FailureReason   string        `json:"failureReason,omitempty"`
	RollbackOf      string        `json:"rollbackOf,omitempty"`
	RolledBackBy    []string      `json:"rolledBackBy,omitempty"`
}

// Past is a rollout as the history has it.
func Past(e *rollout.Execution) PastRollout {
	r, s := e.Rollout, e.Spec
	p := PastRollout{
		Target: s.Target.Name, Stage: s.Target.Stage, Platform: s.Target.Platform, Rollout: r.Name, PlatformRollout: e.PlatformName,
		Command: s.Command, Promotion: s.Promotion, Release: s.Release.ID, ReleaseName: s.Release.Name, PlatformRelease: readBack(e).Platform,
		Previous: e.Previous.ID, State: r.State, Created: r.CreateTime, By: s.Creator, Reason: s.Reason, Commit: s.Commit, RunURL: s.RunURL,
		Overrides: s.Overrides, FailureReason: r.FailureReason, RollbackOf: r.RollbackOfRollout, RolledBackBy: r.RolledBackByRollouts,
	}
	if e.Over() {
		p.Ended = r.DeployEndTime
	}
	return p
}

// readBack is the release as the rollout's last effect left it on the platform.
func readBack(e *rollout.Execution) driver.Release {
	for _, s := range slices.Backward(e.Steps) {
		if s.Operation == nil {
			continue
		}
		if release := s.Operation.Results[e.Spec.Target.Name].Release; release.ID != "" {
			return release
		}
	}
	return driver.Release{}
}

// IsCalled reports whether a rollout has this name, here or on its platform, where
// the last part of a path is enough.
func IsCalled(e *rollout.Execution, name string) bool {
	return e.Rollout.Name == name || e.PlatformName != "" && (e.PlatformName == name || strings.HasSuffix(e.PlatformName, "/"+name))
}

// PastStep is one effect of a rollout.
type PastStep struct {
	Phase     string            `json:"phase"`
	Job       string            `json:"job"`
	Effect    driver.Kind       `json:"effect"`
	State     rollout.StepState `json:"state"`
	Time      time.Time         `json:"time"`
	Seconds   float64           `json:"seconds,omitempty"` // how long the platform worked on it
	Operation string            `json:"operation,omitempty"`
	Link      string            `json:"link,omitempty"`
	User      string            `json:"user,omitempty"` // whom the platform names
	Message   string            `json:"message,omitempty"`
	Errors    []driver.Problem  `json:"errors,omitempty"`
	Results   json.RawMessage   `json:"results,omitempty"` // what the platform says beside the outcome
}

// Detail is all that is known of one rollout. Resource has Cloud Deploy's shape.
type Detail struct {
	PastRollout
	Resource json.RawMessage `json:"resource"`
	Steps    []PastStep      `json:"steps"`
	Events   []PastEvent     `json:"events"`
	Metadata json.RawMessage `json:"metadata,omitempty"` // the platform's own
	Links    []string        `json:"links,omitempty"`
}

// DetailOf is all that is known of a rollout. events are those of its target. The
// error says that it cannot be written.
func DetailOf(e *rollout.Execution, events []PastEvent) (Detail, error) {
	written, err := rollout.EncodeRollouts([]rollout.Rollout{e.Rollout})
	if err != nil {
		return Detail{}, err
	}
	var one []json.RawMessage
	if err := json.Unmarshal(written, &one); err != nil {
		return Detail{}, err
	}
	d := Detail{PastRollout: Past(e), Resource: one[0], Steps: []PastStep{}, Metadata: json.RawMessage(e.Rollout.Metadata)}
	d.Events = EventFilter{Rollout: e.Rollout.Name}.Of(events)
	for _, s := range e.Steps {
		step := pastStep(s, e.Spec.Target.Name)
		d.Steps = append(d.Steps, step)
		if step.Link != "" && !slices.Contains(d.Links, step.Link) {
			d.Links = append(d.Links, step.Link)
		}
	}
	if d.RunURL != "" {
		d.Links = append(d.Links, d.RunURL)
	}
	return d, nil
}

func pastStep(s rollout.Step, target string) PastStep {
	step := PastStep{Phase: s.Phase, Job: s.Job, Effect: s.Call.Kind, State: s.State, Time: s.Time, Message: s.Message}
	op := s.Operation
	if op == nil {
		return step
	}
	result := op.Results[target]
	step.Operation, step.Link, step.User, step.Errors, step.Results = op.ID, op.Link, op.User, result.Errors, result.Data
	if !op.Started.IsZero() && op.Ended.After(op.Started) {
		step.Seconds = op.Ended.Sub(op.Started).Seconds()
	}
	return step
}

// PastEvent is a line of a target's history. Those that begin a rollout say why,
// of which commit, and what it passed.
type PastEvent struct {
	Target          string            `json:"target"`
	Stage           string            `json:"stage"`
	ID              int64             `json:"eventID"`
	Type            string            `json:"type"`
	Time            time.Time         `json:"timestamp"`
	Message         string            `json:"message,omitempty"`
	Temporary       bool              `json:"temporary,omitempty"`
	Action          string            `json:"action,omitempty"`
	Actor           string            `json:"actor,omitempty"`
	Rollout         string            `json:"rollout,omitempty"`
	PlatformRollout string            `json:"platformRollout,omitempty"`
	Promotion       string            `json:"promotion,omitempty"`
	Release         string            `json:"release,omitempty"`
	Phase           string            `json:"phase,omitempty"`
	Job             string            `json:"job,omitempty"`
	Reason          string            `json:"reason,omitempty"`
	Commit          string            `json:"commit,omitempty"`
	Overrides       []string          `json:"overrides,omitempty"`
	RunURL          string            `json:"runURL,omitempty"`
	Info            map[string]string `json:"info,omitempty"`

	words string
}

// Events are a target's events with what its rollouts know of them.
func Events(stage, target string, events []rollout.Event, rollouts []rollout.Execution) []PastEvent {
	of := make(map[string]*rollout.Execution, len(rollouts))
	for i := range rollouts {
		of[rollouts[i].Rollout.Name] = &rollouts[i]
	}
	list := make([]PastEvent, len(events))
	for i, e := range events {
		list[i] = PastEvent{
			Target: target, Stage: stage, ID: e.ID, Type: e.Type, Time: e.Time, Message: e.Message, Temporary: e.Temporary,
			Action: e.Action, Actor: e.Actor, Rollout: e.Rollout, Phase: e.Phase, Job: e.Job, Info: e.Info, words: Message(e),
		}
		if x := of[e.Rollout]; x != nil {
			list[i].tell(x)
		}
	}
	return list
}

// tell adds what the event's rollout knows.
func (p *PastEvent) tell(x *rollout.Execution) {
	s := x.Spec
	p.Promotion, p.Release, p.PlatformRollout = s.Promotion, s.Release.ID, x.PlatformName
	if p.Type != "rollout.created" {
		return
	}
	p.Reason, p.Commit, p.Overrides, p.RunURL = s.Reason, s.Commit, s.Overrides, s.RunURL
	if p.Actor == "" {
		p.Actor = s.Creator
	}
}

// shortCommit is how many characters of a commit people read.
const shortCommit = 8

// Words say what happened, for a person.
func (p PastEvent) Words() string {
	text := p.words
	if p.Reason != "" && !strings.HasSuffix(text, ": "+p.Reason) {
		text += ": " + p.Reason
	}
	if p.Commit != "" {
		text += " (commit " + p.Commit[:min(shortCommit, len(p.Commit))] + ")"
	}
	if len(p.Overrides) > 0 {
		text += ", passing " + strings.Join(p.Overrides, ", ")
	}
	return text
}

// EventFilter chooses events; the zero one lets all through.
type EventFilter struct {
	Rollout   string // its name here or on its platform
	Promotion string
	Release   string
	Type      string // all of it, or what stands before a dot
	By        string // who did it
	Since     time.Time
	Last      int // only so many, the newest; 0 for all
}

// Of are the events that the filter lets through.
func (f EventFilter) Of(events []PastEvent) []PastEvent {
	kept := slices.DeleteFunc(slices.Clone(events), func(e PastEvent) bool { return !f.lets(e) })
	if f.Last > 0 && len(kept) > f.Last {
		kept = kept[len(kept)-f.Last:]
	}
	return kept
}

func (f EventFilter) lets(e PastEvent) bool {
	fits := func(wanted, is string) bool { return wanted == "" || strings.EqualFold(wanted, is) }
	called := f.Rollout == "" || e.Rollout == f.Rollout || e.PlatformRollout == f.Rollout || strings.HasSuffix(e.PlatformRollout, "/"+f.Rollout)
	typed := f.Type == "" || e.Type == f.Type || strings.HasPrefix(e.Type, f.Type+".")
	return called && typed && fits(f.Promotion, e.Promotion) && fits(f.Release, e.Release) && fits(f.By, e.Actor) && !e.Time.Before(f.Since)
}
