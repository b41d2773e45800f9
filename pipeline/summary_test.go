package pipeline_test

import (
	"encoding/json"
	"slices"
	"time"

	"sluice/pipeline"
)

// summary is a model as the golden files show it: without positions.
type summary struct {
	Pipeline any
	Warnings []string `json:",omitempty"`
}

// summarize drops positions, the digest, and what would repeat itself: a
// target's stage and the facts of its platform.
func summarize(p *pipeline.Pipeline, problems []pipeline.Problem) summary {
	s := summary{Pipeline: strip(generic(p))}
	for _, problem := range problems {
		s.Warnings = append(s.Warnings, problem.String())
	}
	return s
}

// generic is the model as JSON has it, cut where it would go round.
func generic(p *pipeline.Pipeline) any {
	copied := *p
	copied.Digest = ""
	copied.Stages = nil
	for _, stage := range p.Stages {
		s := *stage
		s.Targets = nil
		for _, target := range stage.Targets {
			t := *target
			t.Stage, t.Platform.Keys, t.Platform.Kinds = nil, nil, nil
			s.Targets = append(s.Targets, &t)
		}
		copied.Stages = append(copied.Stages, &s)
	}
	data, err := json.Marshal(copied)
	if err != nil {
		return err.Error()
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err.Error()
	}
	return value
}

// strip drops positions and empty values, and unwraps values with a position.
func strip(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "Pos")
		if inner, ok := v["Value"]; ok && len(v) == 1 {
			return strip(inner)
		}
		for key, element := range v {
			if v[key] = strip(readable(key, element)); empty(v[key]) {
				delete(v, key)
			}
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return value
}

// readable writes durations as people do.
func readable(key string, value any) any {
	n, ok := value.(float64)
	if ok && slices.Contains([]string{"Timeout", "OperationTimeout", "Wait", "Interval", "From", "To", "For", "initial", "max"}, key) {
		return time.Duration(n).String()
	}
	return value
}

func empty(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return value == nil || value == "" || value == false || value == 0.0 || value == "0s"
}
