package telemetry

import (
	"strings"
	"time"

	"sluice/rollout"
)

// spans are the deeds, and the invocation in each promotion's trace.
func (r *Recorder) spans(endings []Ending, now time.Time) []span {
	var list []span
	touched := map[string]bool{}
	for _, e := range endings {
		for _, promotion := range append(r.promotions(e.Pipeline), e.Promotions...) {
			trace := traceID(e.Pipeline, promotion)
			if promotion != "" && !touched[trace] {
				touched[trace] = true
				list = append(list, r.invocation(trace, e, now))
			}
		}
	}
	for _, d := range r.deeds {
		if d.Promotion != "" {
			list = append(list, r.span(d))
		}
	}
	return list
}

// promotions are those of a pipeline that deeds are of.
func (r *Recorder) promotions(pipeline string) []string {
	var names []string
	for _, d := range r.deeds {
		if d.Pipeline == pipeline {
			names = append(names, d.Promotion)
		}
	}
	return names
}

// invocation is the run itself: it is part of the promotion, and what started it is
// linked, because it is in another trace.
func (r *Recorder) invocation(trace string, e Ending, now time.Time) span {
	s := span{
		TraceID: trace, SpanID: hashed(8, "run", trace, r.Run.ID, r.Run.Command, stamp(r.Run.Began)), ParentSpanID: rootID(trace),
		Name: r.Run.Command, Kind: kindInternal, Start: nanos(r.Run.Began), End: nanos(now), Links: r.links(),
		Attributes: r.attributes(
			"cicd.pipeline.name", e.Pipeline, "cicd.pipeline.task.name", r.Run.Command, "cicd.pipeline.task.run.id", r.Run.ID,
			"cicd.pipeline.task.run.url.full", r.Run.URL, "cicd.pipeline.task.run.result", string(e.Result), "sluice.status", e.Status,
		),
	}
	return failed(s, e.Result, "")
}

func (r *Recorder) links() []link {
	if r.parent == nil {
		return nil
	}
	return []link{{r.parent.trace, r.parent.span}}
}

// span is a deed's.
func (r *Recorder) span(d rollout.Deed) span {
	trace := traceID(d.Pipeline, d.Promotion)
	id, parent := spanID(trace, d)
	began := d.Began
	if began.IsZero() || began.After(d.Ended) {
		began = d.Ended
	}
	s := span{
		TraceID: trace, SpanID: id, ParentSpanID: parent, Name: r.Redact(nameOf(d)), Kind: kindInternal,
		Start: nanos(began), End: nanos(d.Ended), Attributes: r.attributes(wordsOf(d)...),
	}
	if d.Kind == rollout.DeedPromotion {
		s.Kind, s.Links = kindServer, r.links()
	}
	if d.Kind == rollout.DeedCheck && d.DryRun {
		yes := true
		s.Attributes = append(s.Attributes, attribute{"sluice.check.dry_run", value{Bool: &yes}})
		return s // it enforces nothing
	}
	return failed(s, d.Result, d.Cause)
}

// actionRun is what the conventions call what a promotion does.
const actionRun = "RUN"

// nameOf has few values: what tells one of many apart is an attribute.
func nameOf(d rollout.Deed) string {
	switch d.Kind {
	case rollout.DeedPromotion:
		return actionRun + " " + d.Pipeline
	case rollout.DeedRollout:
		return d.Command + " " + d.Target
	case rollout.DeedPhase:
		return d.Phase
	case rollout.DeedJob:
		return d.Job
	case rollout.DeedEffect:
		if d.Effect == "" {
			return string(d.Kind)
		}
		return string(d.Effect)
	default:
		return string(d.Kind)
	}
}

// wordsOf are a deed's attributes, key and value in turn.
func wordsOf(d rollout.Deed) []string {
	words := []string{
		"cicd.pipeline.name", d.Pipeline, "cicd.pipeline.run.id", d.Promotion,
		"deployment.environment.name", d.Stage, "sluice.release.id", d.Release.ID,
	}
	if d.Kind == rollout.DeedPromotion {
		return append(words, "cicd.pipeline.action.name", actionRun, "cicd.pipeline.result", string(d.Result),
			"cicd.pipeline.run.url.full", d.RunURL, "sluice.command", d.Command)
	}
	words = append(words, "cicd.pipeline.task.name", nameOf(d), "cicd.pipeline.task.run.id", runOf(d), "cicd.pipeline.task.type", typeOf(d),
		"cicd.pipeline.task.run.result", string(d.Result), "cicd.pipeline.task.run.url.full", d.RunURL,
		"sluice.platform", d.Platform, "deployment.name", d.Target, "deployment.id", d.Rollout,
		"sluice.phase", d.Phase, "sluice.job", d.Job, "sluice.check.name", d.Check, "sluice.check.value", d.Value)
	if d.Kind == rollout.DeedRollout {
		words = append(words, "deployment.status", deploymentStatus(d.Result))
	}
	return words
}

// runOf is what a deed is known by among those of its kind.
func runOf(d rollout.Deed) string {
	switch d.Kind {
	case rollout.DeedRollout:
		return d.Rollout
	case rollout.DeedPhase:
		return d.Rollout + "/" + d.Phase
	case rollout.DeedEffect:
		return d.Key
	default:
		return d.Run
	}
}

// typeOf is one of the conventions' types of tasks.
func typeOf(d rollout.Deed) string {
	if d.Kind == rollout.DeedCheck || d.Kind == rollout.DeedJob && d.Job != rollout.JobDeploy {
		return "test"
	}
	return "deploy"
}

// deploymentStatus is the conventions' word; they have none for one that was ended.
func deploymentStatus(result rollout.Result) string {
	switch result {
	case rollout.ResultSuccess:
		return "succeeded"
	case rollout.ResultFailure, rollout.ResultTimeout:
		return "failed"
	default:
		return ""
	}
}

// attributes are key and value in turn, without secrets.
func (r *Recorder) attributes(keysAndValues ...string) []attribute {
	for i := 1; i < len(keysAndValues); i += 2 {
		keysAndValues[i] = r.Redact(keysAndValues[i])
	}
	return attributes(keysAndValues...)
}

// failed marks the span of something that failed.
func failed(s span, result rollout.Result, cause rollout.FailureCause) span {
	switch result {
	case rollout.ResultFailure, rollout.ResultTimeout, rollout.ResultError:
		s.Status = &status{statusError}
		s.Attributes = append(s.Attributes, attributes("error.type", errorType(result, cause))...)
	}
	return s
}

// errorType has few values: Cloud Deploy's causes in small letters, timeout, else
// _OTHER.
func errorType(result rollout.Result, cause rollout.FailureCause) string {
	switch {
	case result == rollout.ResultTimeout:
		return "timeout"
	case cause != "":
		return strings.ToLower(string(cause))
	default:
		return "_OTHER"
	}
}
