//go:build unix

package proof_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// besideHeroku holds a promotion on Heroku against its own CLI's, each on an account
// of its own.
func besideHeroku(b *testing.B, built string) []number {
	const times = 3
	row := number{what: "a Heroku promotion, wall, against heroku pipelines:promote", may: 1, unit: "times"}
	heroku, err := exec.LookPath("heroku")
	if err != nil {
		row.why = "no heroku CLI here"
		return []number{row}
	}
	var ours, theirs time.Duration
	for range times {
		_, took := done(b, real(b, built, "file", "heroku", scenario{targets: 1}))
		ours += took
		w := real(b, built, "file", "heroku", scenario{targets: 1})
		env := append(w.environ(promote(1)), "HEROKU_SKIP_NEW_VERSION_CHECK=true", "DISABLE_TELEMETRY=true",
			"XDG_CACHE_HOME="+w.dir, "XDG_CONFIG_HOME="+w.dir, "XDG_DATA_HOME="+w.dir)
		_, took = used(b, 1, env, heroku, "pipelines:promote", "--app", "shop-staging-0")
		theirs += took
	}
	row.got = float64(ours) / float64(theirs)
	return []number{row}
}

// billed rehearses a canary that bakes for half an hour twice, woken by the
// environment's timer as the example workflows have it.
func billed(b *testing.B, built string) []number {
	row := number{what: "10/50/100 with half-hour bakes: billed minutes", may: 5, unit: "minutes"}
	file := filepath.Join(b.TempDir(), "sluice.yaml")
	text := scenario{targets: 1, target: ", strategy: {canary: {percentages: [10, 50], wait: 30m}}"}.pipelineOf("apigateway")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.CommandContext(b.Context(), built, "rehearse", "--file", file, "--to", "production", "--output", "json").Output()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var told struct {
		Rehearsal struct {
			Open   bool
			Billed []struct{ Minutes map[string]int }
		}
	}
	if err := json.Unmarshal(out, &told); err != nil || told.Rehearsal.Open || len(told.Rehearsal.Billed) == 0 {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, minutes := range told.Rehearsal.Billed[0].Minutes { // the way of the timeline
		row.got += float64(minutes)
	}
	return []number{row}
}
