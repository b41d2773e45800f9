package notify

import (
	"encoding/json"
	"strings"
	"time"

	"sluice/internal/outside"
	"sluice/internal/view"
	"sluice/pipeline"
)

// The types of events: CDEvents' own for a pipeline run that is over, and custom ones
// (https://cdevents.dev, "dev.cdeventsx") for what CDEvents has no word for.
const (
	typeFinished = "dev.cdevents.pipelinerun.finished.0.2.0"
	typeWaiting  = "dev.cdeventsx.sluice-promotion.waiting.0.1.0"
	typePending  = "dev.cdeventsx.sluice-promotion.pending.0.1.0"
	cdEvents     = "0.4.1" // the version of the specification
)

// envelope is a CloudEvent in the structured mode of its JSON format.
type envelope struct {
	SpecVersion     string  `json:"specversion"`
	ID              string  `json:"id"`
	Source          string  `json:"source"`
	Type            string  `json:"type"`
	Subject         string  `json:"subject"`
	Time            string  `json:"time"`
	DataContentType string  `json:"datacontenttype"`
	Data            cdEvent `json:"data"`
}

// cdEvent is an event as CDEvents has it.
type cdEvent struct {
	Context struct {
		Version   string `json:"version"`
		ID        string `json:"id"`
		Source    string `json:"source"`
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
	} `json:"context"`
	Subject struct {
		ID      string  `json:"id"`
		Source  string  `json:"source"`
		Type    string  `json:"type"`
		Content content `json:"content"`
	} `json:"subject"`
	CustomData            custom `json:"customData"`
	CustomDataContentType string `json:"customDataContentType"`
}

type content struct {
	PipelineName string `json:"pipelineName"`
	URL          string `json:"url,omitempty"`
	Outcome      string `json:"outcome,omitempty"`
	Errors       string `json:"errors,omitempty"`
}

// custom is what this program knows beside: the same as its outputs.
type custom struct {
	Command   string        `json:"command"`
	Status    view.Status   `json:"status"`
	Promotion string        `json:"promotion,omitempty"`
	Release   string        `json:"release,omitempty"`
	Targets   []view.Target `json:"targets"`
	Next      string        `json:"next,omitempty"`
	Error     string        `json:"error,omitempty"`
}

// event is a message as a CloudEvent.
func event(m Message, told string) ([]byte, error) {
	e := envelope{
		SpecVersion: "1.0", ID: m.ID, Source: "/sluice/" + m.Pipeline, Type: typeFinished, Subject: m.Pipeline, Time: m.At.UTC().Format(time.RFC3339), DataContentType: "application/json",
	}
	subject := content{PipelineName: m.Pipeline, URL: m.RunURL}
	switch told {
	case pipeline.ToldWaiting:
		e.Type = typeWaiting
	case pipeline.ToldPending:
		e.Type = typePending
	case pipeline.ToldSucceeded:
		subject.Outcome = "success"
	default:
		subject.Outcome, subject.Errors = "failure", strings.Join(wrong(m), "\n")
	}
	d := &e.Data
	d.Context.Version, d.Context.ID, d.Context.Source, d.Context.Type, d.Context.Timestamp = cdEvents, e.ID, e.Source, e.Type, e.Time
	d.Subject.ID, d.Subject.Source, d.Subject.Type, d.Subject.Content = subjectID(m), e.Source, "pipelineRun", subject
	d.CustomDataContentType = "application/json"
	d.CustomData = custom{Command: m.Command, Status: m.Outcome.Status, Promotion: m.Outcome.Promotion, Release: m.Outcome.Release, Targets: m.Outcome.Targets, Error: m.Error}
	if d.CustomData.Targets == nil {
		d.CustomData.Targets = []view.Target{}
	}
	if !m.Outcome.Next.IsZero() {
		d.CustomData.Next = m.Outcome.Next.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(e)
	return []byte(outside.Quote(string(text))), err // whoever gets it shows it somewhere
}

// subjectID is the promotion, or the message where it is about several.
func subjectID(m Message) string {
	if m.Outcome.Promotion != "" {
		return m.Outcome.Promotion
	}
	return m.ID
}

// wrong is what went wrong, target by target.
func wrong(m Message) []string {
	var lines []string
	for _, t := range m.Outcome.Targets {
		if t.ErrorMessage != "" {
			lines = append(lines, t.Target+": "+t.ErrorMessage)
		}
	}
	if m.Error != "" && len(lines) == 0 {
		lines = append(lines, m.Error)
	}
	return lines
}
