package clouddeploy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestRolloutID(t *testing.T) {
	long := strings.Repeat("r", 60)
	var thousand []string
	for n := range mostRollouts {
		thousand = append(thousand, fmt.Sprintf("r-to-t-%04d", n+1))
	}
	for _, tt := range []struct {
		release, target string
		taken           []string
		want            string
	}{
		{"r1", "prod", nil, "r1-to-prod-0001"},
		{"r1", "prod", []string{"r1-to-prod-0001", "r1-to-prod-0003"}, "r1-to-prod-0002"},
		{long, "prod", nil, "r-10e100bd-prod-0001"},
		{long, strings.Repeat("t", 39) + "-x", nil, "r-10e100bd-" + strings.Repeat("t", 39) + "-0001"},
		{"r", "t", thousand, ""},
	} {
		got, err := rolloutID(tt.release, tt.target, tt.taken)
		if tt.want == "" {
			if err == nil {
				t.Errorf("the 1001st rollout is %s", got)
			}
			continue
		}
		if err != nil || got != tt.want || !validID().MatchString(got) {
			t.Errorf("%s to %s: %s, %v, want %s", tt.release, tt.target, got, err, tt.want)
		}
	}
}

func TestRequestID(t *testing.T) {
	if a, b := requestID("k1", rolloutText), requestID("k1", rolloutText); a != b {
		t.Errorf("%s, then %s", a, b)
	}
	if a, b := requestID("k1", rolloutText), requestID("k2", rolloutText); a == b {
		t.Error("two calls have one request id")
	}
}

const rolloutText = "projects/p/locations/l/deliveryPipelines/d/releases/r/rollouts/x"

// FuzzView: a rollout's text never breaks the driver, whatever is in it.
func FuzzView(f *testing.F) {
	f.Add(`{"state":"IN_PROGRESS","phases":[{"id":"a","state":"SUCCEEDED"},{"id":"b","state":"PENDING","deploymentJobs":{"deployJob":{"id":"deploy","state":"FAILED"}}}]}`)
	f.Add(`{"state":"HALTED","phases":[{"childRolloutJobs":{"createRolloutJobs":[{"id":"east","state":"FAILED"}],"more":7}}]}`)
	f.Add(`{"phases":[{"deploymentJobs":null},{"deploymentJobs":{"x":[[]],"y":"z"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := viewOf(json.RawMessage(text))
		if err != nil {
			return
		}
		if n := v.progress(); n < 0 || n > 100 {
			t.Errorf("progress %d", n)
		}
		if p, waits := v.nextPhase(); waits && (p.State != "PENDING" || v.waiting() != waitAdvance) {
			t.Errorf("%+v waits as %q", p, v.waiting())
		}
		for _, l := range v.failedJobs() {
			if l.job.State != "FAILED" {
				t.Errorf("%s is %s", l.where(), l.job.State)
			}
		}
		v.warnings()
	})
}

// FuzzRun: neither does a job run's.
func FuzzRun(f *testing.F) {
	f.Add(`{"name":"x","verifyJobRun":{"build":"projects/p/locations/l/builds/b","failureMessage":"no"}}`)
	f.Add(`{"aJobRun":{"build":1},"JobRun":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := runOf(json.RawMessage(text))
		if err == nil && r.reason() == "" {
			t.Error("a failure without a word")
		}
	})
}
