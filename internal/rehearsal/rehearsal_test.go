package rehearsal_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/platform"
	"sluice/internal/rehearsal"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/store/memory"
	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

const gateway = "apigateway: {restApi: a1b2c3d4e5, region: eu-west-1, stage: "

const shop = `name: shop
stages:
  - name: staging
    targets: [{name: api-staging, ` + gateway + `staging}}]
  - name: production
    approval: {required: true, approvers: [octocat], timeout: 72h}
    verify: [{run: [smoke]}]
    targets:
      - name: api
        ` + gateway + `prod}
        strategy:
          canary:
            percentages: [10, 50]
            wait: 30m
            disable: true
            analysis: [{metric: {prometheus: {url: "http://prometheus:9090", query: errors}, condition: "< 0.01", interval: 10m}}]
`

func options(t *testing.T, file string, faults ...string) rehearsal.Options {
	t.Helper()
	var facts []driver.Facts
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(file), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	o := rehearsal.Options{
		Pipeline: p, Cron: 10 * time.Minute, Most: 1000 * time.Hour, Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
		Emulators: emulators.Emulators, Getenv: func(string) string { return "" },
		Reach: func(env driver.Env, redact func(string) string) *platform.Platforms {
			return platform.Open(platform.Config{Env: env, Platforms: all.Platforms(), Redact: redact})
		},
		State: func() func(context.Context, ledger.Config) *ledger.Ledger {
			place := memory.New()
			return func(ctx context.Context, c ledger.Config) *ledger.Ledger {
				c.Store = place.Open(c.Run.ID)
				return ledger.Open(ctx, c)
			}
		},
	}
	for _, text := range faults {
		f, err := rehearsal.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Faults = append(o.Faults, f)
	}
	return o
}

func run(t *testing.T, o rehearsal.Options) rehearsal.Result {
	t.Helper()
	r, err := rehearsal.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// has reports whether a line of the timeline says so.
func has(r rehearsal.Result, at time.Duration, part string) bool {
	return slices.ContainsFunc(r.Timeline, func(l rehearsal.Line) bool {
		return l.At.Truncate(time.Minute) == at && strings.Contains(string(l.Trigger)+" "+l.Text, part)
	})
}

// TestRehearsal goes through a canary of 10 and 50 % with half-hour bakes that are
// looked at, behind an approval: who waits for whom, and what it costs either way.
func TestRehearsal(t *testing.T) {
	o := options(t, shop)
	o.People = 2 * time.Hour
	r := run(t, o)
	for at, part := range map[time.Duration]string{
		0:                            "dispatch promote --to production",
		2 * time.Hour:                "dispatch approve --stage production by octocat",
		2*time.Hour + 10*time.Minute: "errors: passed",
		2*time.Hour + 30*time.Minute: "50 % of the traffic",
		3 * time.Hour:                "all traffic",
	} {
		if !has(r, at, part) {
			t.Errorf("at %s nothing says %q:\n%s", at, part, r.Text())
		}
	}
	if len(r.Ends) != 1 || r.Ends[0].State != "SUCCEEDED" || r.Open {
		t.Errorf("it ends %+v", r.Ends)
	}
	if len(r.People) != 1 || r.People[0].By != "octocat" || r.People[0].Waited != 2*time.Hour {
		t.Errorf("people: %+v", r.People)
	}
	timer, cron := r.Billed[0], r.Billed[1]
	if timer.Way != rehearsal.Timer || timer.Minutes[rehearsal.Dispatch] != 2 || timer.Minutes[rehearsal.Timer] != 6 || timer.Minutes[rehearsal.Cron] != 0 {
		t.Errorf("with wait timers: %+v", timer)
	}
	if cron.Way != rehearsal.Cron || cron.Minutes[rehearsal.Cron] != int(cron.Seconds/600) || cron.Seconds < timer.Seconds {
		t.Errorf("with a cron: %+v, %v s with timers", cron, timer.Seconds)
	}
}

// TestTheSameAgain: one seed tells one story, and another seed another.
func TestTheSameAgain(t *testing.T) {
	told := func(seed uint64) string {
		o := options(t, shop)
		o.Seed = seed
		data, err := json.Marshal(run(t, o))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if a, b := told(7), told(7); a != b {
		t.Errorf("one seed, two stories:\n%s\n%s", a, b)
	}
	if told(7) == told(8) {
		t.Error("two seeds, one story")
	}
}

// TestFaults: what each failure by itself leads to, beside none.
func TestFaults(t *testing.T) {
	r := run(t, options(t, shop, "api:metric:bad", "api:weight:cut", "api:run:bad"))
	if len(r.Faults) != 3 {
		t.Fatalf("%+v", r.Faults)
	}
	bad, lost, check := r.Faults[0], r.Faults[1], r.Faults[2]
	if len(bad.Ends) != 1 || bad.Ends[0].State != "FAILED" || !strings.Contains(bad.Ends[0].Why, "analysis failed in canary-10") || bad.Later >= 0 {
		t.Errorf("a bad metric: %+v", bad)
	}
	if len(lost.Ends) != 0 || lost.Later < 0 {
		t.Errorf("a lost answer: %+v", lost)
	}
	if len(check.Ends) != 1 || !strings.Contains(check.Ends[0].Why, "verify failed in canary-10: smoke fails, as fault api:run:bad says") {
		t.Errorf("a bad check: %+v", check)
	}
	for _, text := range []string{"api:http:bad", "nobody:run:bad"} {
		if _, err := rehearsal.Run(t.Context(), options(t, shop, text)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s can never happen: %v", text, err)
		}
	}
	if _, err := rehearsal.ParseFault("api:run:late"); err == nil {
		t.Error("a program cannot be late")
	}
}

const automated = `name: shop
stages:
  - name: development
    targets: [{name: api-dev, ` + gateway + `dev}}]
  - name: staging
    targets: [{name: api-staging, ` + gateway + `staging}}]
  - name: production
    verify: [{run: [smoke]}]
    targets: [{name: api, ` + gateway + `prod}}]
automation:
  - promote: {from: staging, after: 800h}
  - repair: {stage: production, jobs: [verify], retry: {attempts: 3, wait: 10m}}
`

// TestAThousandHours: rules promote after weeks and repair what failed, in seconds.
func TestAThousandHours(t *testing.T) {
	begun := time.Now()
	r := run(t, options(t, automated, "api:run:bad=2"))
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(r.Ends) != 2 || r.Ends[1].State != "SUCCEEDED" || r.Seconds < (800*time.Hour).Seconds() {
		t.Errorf("%s", r.Text())
	}
	repaired := 0
	for _, l := range r.Timeline {
		if strings.Contains(l.Text, "repaired by a rule") {
			repaired++
		}
	}
	if repaired != 2 {
		t.Errorf("repaired %d times:\n%s", repaired, r.Text())
	}
}

// TestNobodySaysAnything: what would be waited for is listed, and nothing goes past it.
func TestNobodySaysAnything(t *testing.T) {
	o := options(t, shop)
	o.Holds = true
	r := run(t, o)
	if len(r.People) != 1 || r.People[0].By != "" || r.People[0].Kind != "approval" || !strings.Contains(r.People[0].What, "sluice approve") {
		t.Errorf("people: %+v", r.People)
	}
	if slices.ContainsFunc(r.Timeline, func(l rehearsal.Line) bool { return strings.Contains(l.Text, "traffic") }) {
		t.Errorf("it went on:\n%s", r.Text())
	}
}

// TestThrottledSideBySide: what a platform throttles of many targets, and what they have
// in common, is waited for, and each time as long.
func TestThrottledSideBySide(t *testing.T) {
	file := "name: shop\nstages:\n  - name: staging\n    targets: [{name: api-staging, " + gateway + "staging}}]\n  - name: production\n    targets:\n"
	for _, name := range []string{"a", "b", "c", "d"} {
		file += "      - {name: " + name + ", from: api-staging, " + gateway + name + "}}\n"
	}
	o := options(t, file, "api-staging:read:throttle=3", "b:read:throttle=3")
	first := run(t, o)
	for _, f := range first.Faults {
		if len(f.Ends) != 0 || f.Later < 1 || f.Later > 10 {
			t.Errorf("%+v", f)
		}
	}
	for range 3 {
		if again := run(t, o); again.Text() != first.Text() {
			t.Errorf("it was\n%s\nand is\n%s", first.Text(), again.Text())
		}
	}
}

// TestOnEveryPlatform: a plain promotion is rehearsed on each, to its end.
func TestOnEveryPlatform(t *testing.T) {
	for platform, keys := range map[string]string{
		"heroku":            "heroku: {app: shop-STAGE}",
		"clouddeploy":       "clouddeploy: {project: acme, location: europe-west1, deliveryPipeline: shop, target: STAGE}",
		"deploymentmanager": "deploymentmanager: {project: acme, deployment: STAGE}",
		"lambda":            "lambda: {function: orders, alias: STAGE, region: eu-west-1}",
	} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			file := "name: shop\nstages:\n"
			for _, stage := range []string{"staging", "production"} {
				file += "  - {name: " + stage + ", targets: [{name: t-" + stage + ", " + strings.ReplaceAll(keys, "STAGE", stage) + "}]}\n"
			}
			if r := run(t, options(t, file)); len(r.Ends) != 1 || r.Ends[0].State != "SUCCEEDED" {
				t.Errorf("%s", r.Text())
			}
		})
	}
}
