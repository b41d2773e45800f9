package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"sluice/pipeline"
)

// windows is a pipeline with one policy that has the window.
func windows(window string) string {
	return one("") + "policies:\n  - {name: p, override: [Octocat], " + window + "}\n"
}

// question asks whether a person may promote web at a time.
func question(now time.Time) pipeline.Question {
	return pipeline.Question{Stage: "production", Target: "web", Action: "promote", Invoker: "person", Actor: "octocat", Now: now}
}

func TestWindows(t *testing.T) {
	const weekend = `deny: {weekly: {days: [sat, sun], timezone: Europe/Berlin}}`
	const nights = `deny: {weekly: {from: "22:00", to: "06:00", days: [fri], timezone: Europe/Berlin}}`
	const office = `allow: {weekly: {days: [mon, tue], from: "09:00", to: "17:00", timezone: Europe/Berlin}}`
	const once = `deny: {once: {from: 2026-12-24T00:00:00+01:00, to: 2026-12-27T00:00:00+01:00}}`
	const cron = `deny: {cron: {schedule: "0 22 * * fri", for: 8h, timezone: Europe/Berlin}}`
	const hourly = `deny: {cron: {schedule: "0,30 8-9 * * *", for: 30m}}`
	const never = `allow: {once: {from: 2020-01-01T00:00:00Z, to: 2020-01-02T00:00:00Z}}`
	const always = `deny: {weekly: {}}`
	const several = `allow: [{once: {from: 2026-08-01T00:00:00Z, to: 2026-08-02T00:00:00Z}}, {weekly: {days: [fri]}}]`
	// The clocks of Berlin jump from 02:00 to 03:00 on 2026-03-29 and fall back
	// from 03:00 to 02:00 on 2026-10-25, both Sundays.
	const gap = `deny: {weekly: {days: [sun], from: "02:30", to: "04:00", timezone: Europe/Berlin}}`
	const inGap = `deny: {weekly: {days: [sun], from: "02:10", to: "02:50", timezone: Europe/Berlin}}`
	const fold = `deny: {weekly: {days: [sun], from: "02:30", to: "03:30", timezone: Europe/Berlin}}`
	const sunday = `deny: {weekly: {days: [sun], timezone: Europe/Berlin}}`
	const cronGap = `deny: {cron: {schedule: "30 2 28 3 *", for: 1h, timezone: Europe/Berlin}}` // clocks jump from 02:00 on 2027-03-28
	const cronOnly = `allow: {cron: {schedule: "30 2 28 3 *", for: 1h, timezone: Europe/Berlin}}`
	const cronFold = `deny: {cron: {schedule: "30 2 * * *", for: 10m, timezone: Europe/Berlin}}`
	const cronHours = `deny: {cron: {schedule: "0 * * * *", for: 10m, timezone: Europe/Berlin}}`
	const cronMidnight = `deny: {cron: {schedule: "0 0 * * *", for: 1h, timezone: America/Sao_Paulo}}`
	const cronHalf = `deny: {cron: {schedule: "15 2 * * *", for: 10m, timezone: Australia/Lord_Howe}}`     // 02:00 is 02:30 on 2026-10-04
	const cronHalfBack = `deny: {cron: {schedule: "45 1 * * *", for: 10m, timezone: Australia/Lord_Howe}}` // 02:00 is 01:30 on 2026-04-05
	const cronNever = `deny: {cron: {schedule: "0 0 30 2 *", for: 1h}}`
	const noMidnight = `deny: {weekly: {days: [sun], timezone: America/Sao_Paulo}}` // 2018-11-04 began at 01:00

	for _, c := range []struct {
		name, window, now string
		until             string // "" where it is not blocked, "unknown" where the end is not known
	}{
		{"friday evening", weekend, "2026-07-17T23:59:59+02:00", ""},
		{"start is inside", weekend, "2026-07-18T00:00:00+02:00", "2026-07-20T00:00:00+02:00"},
		{"still sunday", weekend, "2026-07-19T23:59:59+02:00", "2026-07-20T00:00:00+02:00"},
		{"end is outside", weekend, "2026-07-20T00:00:00+02:00", ""},
		{"another zone's saturday", weekend, "2026-07-17T22:00:00Z", "2026-07-19T22:00:00Z"},
		{"over midnight, before", nights, "2026-07-17T21:59:59+02:00", ""},
		{"over midnight, after it", nights, "2026-07-18T05:59:59+02:00", "2026-07-18T06:00:00+02:00"},
		{"over midnight, next night", nights, "2026-07-18T23:00:00+02:00", ""},
		{"allowed", office, "2026-07-20T09:00:00+02:00", ""},
		{"not yet allowed", office, "2026-07-20T08:59:59+02:00", "2026-07-20T09:00:00+02:00"},
		{"no longer allowed", office, "2026-07-21T17:00:00+02:00", "2026-07-27T09:00:00+02:00"},
		{"once", once, "2026-12-24T00:00:00+01:00", "2026-12-27T00:00:00+01:00"},
		{"once before", once, "2026-12-23T23:59:59+01:00", ""},
		{"once after", once, "2026-12-27T00:00:00+01:00", ""},
		{"cron opens", cron, "2026-07-17T22:00:00+02:00", "2026-07-18T06:00:00+02:00"},
		{"cron is shut", cron, "2026-07-17T21:59:59+02:00", ""},
		{"cron has shut", cron, "2026-07-18T06:00:00+02:00", ""},
		{"cron windows in a row", hourly, "2026-07-18T08:10:00Z", "2026-07-18T10:00:00Z"},
		{"never again", never, "2026-07-18T08:10:00Z", "unknown"},
		{"always", always, "2026-07-18T08:10:00Z", "unknown"},
		{"the nearest of several", several, "2026-07-23T12:00:00Z", "2026-07-24T00:00:00Z"},
		{"inside one of several", several, "2026-08-01T12:00:00Z", ""},

		{"start in the gap, before", gap, "2026-03-29T01:59:59+01:00", ""},
		{"start in the gap is the jump", gap, "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
		{"a window inside the gap is empty", inGap, "2026-03-29T03:00:00+02:00", ""},
		{"in the fold, before", fold, "2026-10-25T02:29:59+02:00", ""},
		{"in the fold, first passing", fold, "2026-10-25T02:30:00+02:00", "2026-10-25T03:30:00+01:00"},
		{"in the fold, between", fold, "2026-10-25T02:10:00+01:00", "2026-10-25T03:30:00+01:00"},
		{"a short day", sunday, "2026-03-29T23:59:59+02:00", "2026-03-30T00:00:00+02:00"},
		{"a long day", sunday, "2026-10-25T23:59:59+01:00", "2026-10-26T00:00:00+01:00"},
		{"cron in the gap, before", cronGap, "2027-03-28T01:59:59+01:00", ""},
		{"cron in the gap is the jump", cronGap, "2027-03-28T03:00:00+02:00", "2027-03-28T04:00:00+02:00"},
		{"cron in the gap, until the end", cronGap, "2027-03-28T03:59:59+02:00", "2027-03-28T04:00:00+02:00"},
		{"cron in the gap, after", cronGap, "2027-03-28T04:00:00+02:00", ""},
		{"cron allows from the jump", cronOnly, "2027-03-01T12:00:00Z", "2027-03-28T01:00:00Z"},
		{"cron, first passing", cronFold, "2026-10-25T02:30:00+02:00", "2026-10-25T02:40:00+02:00"},
		{"cron, second passing", cronFold, "2026-10-25T02:30:00+01:00", ""},
		{"every hour, first passing", cronHours, "2026-10-25T02:00:00+02:00", "2026-10-25T02:10:00+02:00"},
		{"every hour, second passing", cronHours, "2026-10-25T02:00:00+01:00", "2026-10-25T02:10:00+01:00"},
		{"every hour, between", cronHours, "2026-10-25T02:10:00+02:00", ""},
		{"cron without midnight", cronMidnight, "2018-11-04T03:00:00Z", "2018-11-04T04:00:00Z"},
		{"cron, half an hour skipped", cronHalf, "2026-10-04T02:30:00+11:00", "2026-10-04T02:40:00+11:00"},
		{"cron, half an hour skipped, before", cronHalf, "2026-10-04T01:59:59+10:30", ""},
		{"cron, half an hour repeated", cronHalfBack, "2026-04-05T01:45:00+11:00", "2026-04-05T01:55:00+11:00"},
		{"cron, half an hour repeated, again", cronHalfBack, "2026-04-05T01:45:00+10:30", ""},
		{"cron never", cronNever, "2026-07-18T08:10:00Z", ""},
		{"a day without midnight", noMidnight, "2018-11-04T03:00:00Z", "2018-11-05T00:00:00-02:00"},
		{"before a day without midnight", noMidnight, "2018-11-04T02:59:59Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := parse(t, windows(c.window)).Blocked(question(at(t, c.now)))
			switch {
			case len(blocks) == 0 && c.until == "":
			case len(blocks) != 1 || c.until == "":
				t.Errorf("blocked by %+v", blocks)
			case blocks[0].Policy.Name.Value != "p":
				t.Errorf("policy is %q", blocks[0].Policy.Name.Value)
			case c.until == "unknown" && !blocks[0].Until.IsZero():
				t.Errorf("until is %v, want none", blocks[0].Until)
			case c.until != "unknown" && !blocks[0].Until.Equal(at(t, c.until)):
				t.Errorf("until is %v, want %v", blocks[0].Until, c.until)
			}
		})
	}
}

func TestPolicyScope(t *testing.T) {
	p := parse(t, one("")+`
  - {name: other, targets: [{name: other, alpha: {id: other}}]}
policies:
  - {name: p, stages: [production], targets: [web], actions: [promote], invokers: [automation], deny: {weekly: {}}}
`)
	q := question(at(t, "2026-07-18T12:00:00Z"))
	q.Invoker = pipeline.InvokerAutomation
	if len(p.Blocked(q)) != 1 {
		t.Error("what the policy names is not blocked")
	}
	for name, change := range map[string]func(*pipeline.Question){
		"stage":   func(q *pipeline.Question) { q.Stage = "other" },
		"target":  func(q *pipeline.Question) { q.Target = "other" },
		"action":  func(q *pipeline.Question) { q.Action = "rollback" },
		"invoker": func(q *pipeline.Question) { q.Invoker = pipeline.InvokerPerson },
	} {
		other := q
		change(&other)
		if blocks := p.Blocked(other); len(blocks) > 0 {
			t.Errorf("another %s is blocked: %+v", name, blocks)
		}
	}
}

// TestPolicyWithoutActions: a policy that names no actions stops what goes
// forward, and nothing that goes back.
func TestPolicyWithoutActions(t *testing.T) {
	p := parse(t, one("")+"policies: [{name: p, deny: {weekly: {}}}]\n")
	for _, action := range pipeline.Actions() {
		q := question(at(t, "2026-07-18T12:00:00Z"))
		q.Action = action
		blocked := len(p.Blocked(q)) > 0
		if want := slices.Contains(pipeline.Forward(), action); blocked != want {
			t.Errorf("%s is blocked: %v, want %v", action, blocked, want)
		}
	}
	if want := []string{"promote", "promote-canary", "approve", "advance", "retry-job", "ignore-job"}; !slices.Equal(pipeline.Forward(), want) {
		t.Errorf("going forward is %v", pipeline.Forward())
	}
}

// TestPolicyOfGoingBack: a policy that names it stops going back too.
func TestPolicyOfGoingBack(t *testing.T) {
	p := parse(t, one("")+"policies: [{name: p, actions: [rollback, disable-canary], deny: {weekly: {}}}]\n")
	for action, want := range map[string]bool{"rollback": true, "disable-canary": true, "cancel": false, "promote": false} {
		q := question(at(t, "2026-07-18T12:00:00Z"))
		q.Action = action
		if blocked := len(p.Blocked(q)) > 0; blocked != want {
			t.Errorf("%s is blocked: %v, want %v", action, blocked, want)
		}
	}
}

func TestOverride(t *testing.T) {
	p := parse(t, windows(`deny: {once: {from: 2026-07-18T00:00:00Z, to: 2026-07-19T00:00:00Z}}`))
	q := question(at(t, "2026-07-18T12:00:00Z"))
	if blocks := p.Blocked(q); len(blocks) != 1 || blocks[0].Denied != "" {
		t.Errorf("blocked by %+v", blocks)
	}
	q.Overrides = []string{"p"}
	if blocks := p.Blocked(q); len(blocks) > 0 {
		t.Errorf("the override does not work: %+v", blocks)
	}
	q.Actor = "mallory"
	if blocks := p.Blocked(q); len(blocks) != 1 || blocks[0].Denied != "mallory" {
		t.Errorf("anybody overrides: %+v", blocks)
	}
}

func TestNobodyMayOverride(t *testing.T) {
	p := parse(t, one("")+"policies: [{name: p, deny: {weekly: {}}}]\n")
	q := question(at(t, "2026-07-18T12:00:00Z"))
	q.Overrides, q.Actor = []string{"p"}, ""
	if blocks := p.Blocked(q); len(blocks) != 1 {
		t.Errorf("blocked by %+v", blocks)
	}
}

// TestEveryPolicyIsNamed: all that block, in the file's order, until none does; who
// passes one is told of the others.
func TestEveryPolicyIsNamed(t *testing.T) {
	p := parse(t, one("")+`policies:
  - {name: day, override: [octocat], deny: {once: {from: 2026-07-18T00:00:00Z, to: 2026-07-19T00:00:00Z}}}
  - {name: later, deny: {once: {from: 2026-07-19T00:00:00Z, to: 2026-07-20T00:00:00Z}}}
  - {name: noon, deny: {once: {from: 2026-07-18T11:00:00Z, to: 2026-07-18T13:00:00Z}}}
`)
	q := question(at(t, "2026-07-18T12:00:00Z"))
	q.Actor = "octocat"
	for want, overrides := range map[string][]string{
		"day 2026-07-20T00:00:00Z noon 2026-07-20T00:00:00Z ": nil,
		"noon 2026-07-18T13:00:00Z ":                          {"day"},
	} {
		q.Overrides = overrides
		got := ""
		for _, b := range p.Blocked(q) {
			got += b.Policy.Name.Value + " " + b.Until.Format(time.RFC3339) + " "
		}
		if got != want {
			t.Errorf("with %v got %q, want %q", overrides, got, want)
		}
	}
}
