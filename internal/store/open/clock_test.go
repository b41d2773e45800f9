package open_test

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store/open"
	"sluice/internal/work/worktest"
)

// failing answers every request alike.
type failing struct {
	status int
	header http.Header
}

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"text/plain"}}
	maps.Copy(header, f.header)
	return &http.Response{StatusCode: f.status, Header: header, Body: io.NopCloser(strings.NewReader("later")), Request: r}, nil
}

// lasts is how long a store tries to read in the machine's time, by a clock so many
// times as fast.
func lasts(t *testing.T, name string, answers failing, speed time.Duration) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		env := map[string]string{
			"GITHUB_TOKEN": "ghs_token", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "aws-secret-value", "AWS_REGION": "eu-west-1",
		}
		run := artifacttest.New().Getenv(artifacttest.Run{ID: 7})
		getenv := func(name string) string { return cmp.Or(env[name], run(name)) }
		clock := (&worktest.Fast{Epoch: time.Now(), Speed: speed}).Clock()
		runner := actions.New(getenv, io.Discard)
		runner.Clock, runner.Transport = clock, func() http.RoundTripper { return answers }
		s, err := open.Open(open.Spec{Store: name, Runner: runner, Clock: clock, Getenv: getenv, Transport: answers, Process: open.NewProcess(clock)})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := s.Load(t.Context(), web); err == nil {
			t.Errorf("%s: it was read", name)
		}
		took = time.Since(began)
	})
	return took
}

// TestPausesGoByTheClock: whatever a store waits for before it asks again, it waits by
// the clock that it was given.
func TestPausesGoByTheClock(t *testing.T) {
	for answer, answers := range map[string]failing{
		"broken":       {http.StatusServiceUnavailable, nil},
		"busy":         {http.StatusTooManyRequests, http.Header{"Retry-After": {"2"}}},
		"not GitHub's": {http.StatusOK, nil},
	} {
		for _, name := range []string{"git", "artifact", "s3://acme/state"} {
			const speed = 100
			machine, fast := lasts(t, name, answers, 1), lasts(t, name, answers, speed)
			// Pauses are spread by chance; those of AWS's SDK have their longest scaled alone.
			if most := machine*4/speed + 60*time.Millisecond; machine == 0 || fast > most {
				t.Errorf("%s, %s: %s by the machine's clock, %s by one %d times as fast", name, answer, machine, fast, speed)
			}
		}
	}
}
