// Package telemetry tells OpenTelemetry what promotions did: one trace a promotion,
// however many runs have part in it, and metrics of how long things took and how they
// ended, by the semantic conventions for CI/CD. It is told of deeds, which are durable,
// and sends them when the invocation is over. Telling is never worth a failure: what
// cannot be told is a warning.
//
// It writes OTLP in its JSON encoding itself. OpenTelemetry's SDK was rejected: its
// exporters bring protocol buffers, and it begins a span where something begins, while
// here most of a span is over in another process when its end is known.
package telemetry

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"sluice/rollout"
)

// The attributes of the semantic conventions, and ours for what they have no word for.
const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// Run is the invocation that tells.
type Run struct {
	Version    string
	ID         string // of the run
	Command    string
	URL        string // of the workflow run; "" outside Actions
	Repository string // its URL; "" outside Actions
	Ref        string
	Commit     string
	Began      time.Time
}

// Ending is what an invocation came to on one pipeline.
type Ending struct {
	Pipeline   string
	Promotions []string // that it was about, beside those of its deeds
	Result     rollout.Result
	Status     string // the output `status`
}

// Recorder gathers deeds and exports them. Its calls are made by one goroutine at a time.
type Recorder struct {
	Settings
	Run       Run
	Transport http.RoundTripper // nil is one of its own
	Now       func() time.Time
	Redact    func(string) string
	Warn      func(text string) // says what could not be told

	deeds []rollout.Deed
}

// Deed notes something that has ended.
func (r *Recorder) Deed(d rollout.Deed) { r.deeds = append(r.deeds, d) }

// Export sends what was noted, and the invocation itself for each promotion that it had
// part in. It takes the timeout of the settings at most for each request, and ends with
// ctx.
func (r *Recorder) Export(ctx context.Context, endings []Ending) {
	now := r.Now()
	spans := r.spans(endings, now)
	if r.traces != nil && len(spans) > 0 {
		r.sendSpans(ctx, spans)
	}
	if r.metrics == nil {
		return
	}
	if list := r.measures(now); len(list) > 0 {
		r.sendMetrics(ctx, list)
	}
}

// resource is who tells.
func (r *Recorder) resource() resource {
	all := map[string]string{
		"service.version": r.Run.Version, "telemetry.sdk.name": "sluice", "telemetry.sdk.language": "go", "telemetry.sdk.version": r.Run.Version,
		"vcs.repository.url.full": r.Run.Repository, "vcs.ref.head.name": r.Run.Ref, "vcs.ref.head.revision": r.Run.Commit,
	}
	maps.Copy(all, r.Settings.resource)
	var words []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		words = append(words, key, r.Redact(all[key]))
	}
	return resource{attributes(words...)}
}

func (r *Recorder) scope() scope { return scope{Name: "sluice", Version: r.Run.Version} }
