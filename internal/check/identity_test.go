package check

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/analysis"
	"sluice/internal/sandbox/identity"
	"sluice/internal/sandbox/metrics"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// seen notes the credentials that requests to one host bear.
type seen struct {
	next http.RoundTripper
	host string

	mu   sync.Mutex
	bore []string
}

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == s.host {
		who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, scope, signed := strings.Cut(who, "Credential="); signed {
			who, _, _ = strings.Cut(scope, "/")
		}
		s.mu.Lock()
		s.bore = append(s.bore, who)
		s.mu.Unlock()
	}
	return s.next.RoundTrip(r)
}

// A check asks as who its target names, one of scope stage as who the stage names, and
// where nobody is named as whom the environment has.
func TestChecksAskAsNamed(t *testing.T) {
	const own, stages = "arn:aws:iam::1:role/target", "arn:aws:iam::1:role/stage"
	names := &pipeline.Pipeline{Stages: []*pipeline.Stage{{Identities: []pipeline.Identity{{Name: "aws"}}}}}
	service := identity.New([]*pipeline.Pipeline{names}, time.Now, nil)
	b := newBed()
	b.cloudwatch.Answer(cloudwatchKey, metrics.Series{Value: metrics.Steady(0.05)})
	behind, ok := b.Transport.(hosts)
	if !ok {
		t.Fatal("the bed has another transport")
	}
	all := maps.Clone(behind)
	all["127.0.0.1:5"] = service
	watch := &seen{next: all, host: "127.0.0.1:2"}
	b.Transport, b.Sessions = watch, &driver.Sessions{}
	for name, value := range service.Env("http://127.0.0.1:5") {
		b.Environ = append(b.Environ, name+"="+value)
	}
	b.As = func(stage, target, vendor string) json.RawMessage {
		role := map[string]string{"production/": stages, "production/api": own}[stage+"/"+target]
		if vendor != "aws" || role == "" {
			return nil
		}
		return json.RawMessage(`{"role": "` + role + `"}`)
	}
	gate := cloudwatchMetric(0.1)
	of := gate
	of.StageScope = true
	for _, c := range []struct {
		gate rollout.Gate
		vars Vars
		want string
	}{
		{gate, Vars{Stage: "production", Target: "api"}, identity.KeyOf(own)},
		{of, Vars{Stage: "production", Target: "api"}, identity.KeyOf(stages)},
		{gate, Vars{Stage: "production", Target: "web"}, "AKID"},
		{gate, Vars{Stage: "production", Target: "api"}, identity.KeyOf(own)},
	} {
		watch.bore = nil
		s := b.look(t.Context(), c.gate, c.vars, analysis.Window{Now: time.Now().Truncate(time.Minute)})
		if len(watch.bore) == 0 || slices.Compact(watch.bore)[0] != c.want || len(slices.Compact(watch.bore)) != 1 {
			t.Errorf("%+v, scope of the stage %t: asked as %v, want %s (%+v)", c.vars, c.gate.StageScope, watch.bore, c.want, s)
		}
	}
	asked := map[string]int{}
	for _, a := range service.Asked() {
		asked[a.Who]++
	}
	if asked[own] != 1 || asked[stages] != 1 {
		t.Errorf("credentials were asked for %v, want each once", asked)
	}
}
