package clouddeploy_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/clouddeploy"
	"sluice/stages/driver"
	"sluice/stages/google/googletest"
	"sluice/stages/stagetest"
)

// One bad answer to whatever request is read again and changes nothing.
func TestOneBadAnswerHeals(t *testing.T) {
	// The other commands go the way of these.
	for _, kind := range []driver.Kind{driver.Deploy, driver.Rollback, driver.Approve, driver.RetryJob} {
		t.Run(string(kind), func(t *testing.T) {
			googletest.Heals(t, func(t *testing.T) googletest.Platform { return badAnswers(t, kind) })
		})
	}
}

// That nothing runs on a target is concluded from proof alone.
func TestOneBadAnswerHealsWhereNothingRuns(t *testing.T) {
	googletest.Heals(t, func(t *testing.T) googletest.Platform {
		b := newBench(t)
		return b.platform(t, b.call(driver.Deploy, change("fresh")))
	})
}

func badAnswers(t *testing.T, kind driver.Kind) googletest.Platform {
	b := newBench(t)
	c := change("prod")
	switch kind {
	case driver.Deploy:
	case driver.Rollback:
		op := b.follow(t, b.begin(t, driver.Deploy, c))
		c = driver.Change{Target: target("prod"), Expected: resultOf(op).After}
	default:
		c = b.reach(t, kind)
	}
	return b.platform(t, b.call(kind, c))
}

func (b *bench) platform(t *testing.T, call driver.Call) googletest.Platform {
	return googletest.Platform{
		Open: func(rt http.RoundTripper) driver.Driver { return openOver(t, b.server.Env(), b.clock, rt) },
		Call: call, Move: func() { b.clock.Move(5 * time.Second) },
		Effects: func() int { return len(b.server.Effects()) },
	}
}

// What an answer must carry, each without one part of it: neither the rollout
// nor what is concluded from it is believed.
func TestWhatAnswersCarry(t *testing.T) {
	whole := `{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"SUCCEEDED","annotations":{"sluice/call":"mark"}}`
	for _, text := range []string{
		`null`, `{}`, `[]`, `""`, ``, `<html>`, `[{}]`, whole + whole, whole[:len(whole)-1],
		strings.Replace(whole, `"uid":"u",`, "", 1), strings.Replace(whole, `"targetId":"prod",`, "", 1), strings.Replace(whole, `"state":"SUCCEEDED",`, "", 1),
		strings.Replace(whole, "r7-to-prod-0001", "r7-to-prod-0002", 1), strings.Replace(whole, "projects/shop-1234", "projects/other-1234", 1),
		strings.Replace(whole, rolloutName, "r7-to-prod-0001", 1), strings.Replace(whole, `"u"`, `null`, 1),
		strings.Replace(whole, `{"sluice/call":"mark"}`, `7`, 1), strings.Replace(whole, `"annotations"`, `"phases":[null],"annotations"`, 1),
	} {
		d := answers(t, map[string]string{rolloutName: text})
		op, _, err := d.Poll(t.Context(), begun())
		if code := d.Explain(err).Code; err == nil || code != driver.Lost && code != driver.Unknown {
			t.Errorf("poll %s: %+v, %v", text, op.Results, err)
		}
		if verdict, _, err := d.Lookup(t.Context(), begun().Call); err == nil || verdict != driver.Undecided {
			t.Errorf("look up %s: %s, %v", text, verdict, err)
		}
	}
	// The project's number in place of its id is the same rollout.
	d := answers(t, map[string]string{rolloutName: strings.Replace(whole, "projects/shop-1234", "projects/4711", 1)})
	if r := resultOf(poll(t, d, begun())); r.Outcome != driver.Succeeded {
		t.Errorf("by the project's number: %+v", r)
	}
}

// A list that lies is none: with another target's rollout, with one that was not
// asked for, with a part missing, or one that never ends.
func TestListsThatLie(t *testing.T) {
	const pipeline = "projects/shop-1234/locations/europe-west1/deliveryPipelines/shop"
	rollout := func(target, state string) string {
		return `{"name":"` + pipeline + `/releases/r7/rollouts/x","uid":"u","targetId":"` + target + `","state":"` + state + `"}`
	}
	for text, want := range map[string]bool{
		`{"rollouts":[` + rollout("prod", "SUCCEEDED") + `]}`:                                          true,
		`{"rollouts":[` + rollout("staging", "SUCCEEDED") + `]}`:                                       false,
		`{"rollouts":[` + rollout("prod", "FAILED") + `]}`:                                             false,
		`{"rollouts":[` + strings.Replace(rollout("prod", "SUCCEEDED"), "/shop/", "/other/", 1) + `]}`: false,
		`{"rollouts":[null]}`:                   false,
		`{"rollouts":[{}]}`:                     false,
		`{"rollouts":{}}`:                       false,
		`{"rollouts":7}`:                        false,
		`{"unreachable":["europe-west1"]}`:      false,
		`{"nextPageToken":"1"}`:                 false,
		`{"name":"` + pipeline + `","uid":"u"}`: false,
	} {
		d := answers(t, map[string]string{
			pipeline + "/releases/-/rollouts": text,
			pipeline:                          `{"name":"` + pipeline + `","uid":"u","serialPipeline":{"stages":[{"targetId":"prod"}]}}`,
		})
		r, err := stagetest.Current(t.Context(), d, target("prod"))
		if want && r.ID != "r7" {
			t.Errorf("%s: it runs %q", text, r.ID)
		}
		if code := d.Explain(err).Code; (err == nil) != want || err != nil && code != driver.Lost && code != driver.Unknown {
			t.Errorf("%s: %+v, %v (%s)", text, r, err, code)
		}
	}
}

// What runs is told beside what is on its way: a newer rollout that is not over and
// comes by itself, to this target.
func TestLiveBesideOpenRollouts(t *testing.T) {
	const pipeline = "projects/shop-1234/locations/europe-west1/deliveryPipelines/shop"
	rollout := func(release, target, state, made string) string {
		return `{"name":"` + pipeline + "/releases/" + release + `/rollouts/x","uid":"u","targetId":"` + target + `","state":"` + state + `","createTime":"2026-03-01T` + made + `:00Z","deployEndTime":"2026-03-01T08:30:00Z"}`
	}
	for open, want := range map[string]string{
		``: "",
		rollout("r8", "prod", "IN_PROGRESS", "09:00"):      "r8",
		rollout("r8", "prod", "HALTED", "09:00"):           "r8",
		rollout("r8", "prod", "PENDING_APPROVAL", "09:00"): "",
		rollout("r8", "staging", "IN_PROGRESS", "09:00"):   "",
		rollout("r6", "prod", "HALTED", "07:00"):           "", // older than what runs
	} {
		d := answers(t, map[string]string{
			pipeline + "/releases/-/rollouts": `{"rollouts":[` + rollout("r7", "prod", "SUCCEEDED", "08:00") + `,` + rollout("r5", "staging", "SUCCEEDED", "06:00") + `]}`,
			pipeline + notOver:                `{"rollouts":[` + open + `]}`,
		})
		live, errs := d.Live(t.Context(), []driver.Target{target("prod"), target("staging")})
		got := ""
		if live[0].Pending != nil {
			got = live[0].Pending.ID
		}
		if errs[0] != nil || errs[1] != nil || live[0].Release.ID != "r7" || live[1].Release.ID != "r5" || got != want {
			t.Errorf("%s: %+v, pending %q, %v; want %q", open, live, got, errs, want)
		}
		if s := live[0].Since; s.Hour() != 8 || s.Minute() != 30 || len(live[0].Shares) != 1 {
			t.Errorf("since %s, shares %+v", s, live[0].Shares)
		}
	}
}

// FuzzAnyAnswer: whatever is answered to everything, no method panics, and none
// concludes from one text that nothing runs.
func FuzzAnyAnswer(f *testing.F) {
	kinds := clouddeploy.Facts().Kinds
	for _, text := range []string{
		"", "null", "{}", "[]", `""`, `{"name":null}`, `{"rollouts":[null],"nextPageToken":"1"}`, `{"jobRuns":[{"aJobRun":null}],"deployPolicies":[{"rules":[null]}]}`,
		`{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"FAILED","phases":[{"id":"a","deploymentJobs":{"x":[[]]}}]}`,
		`{"name":"` + rolloutName + `","uid":"u","targetId":"prod","state":"HALTED","annotations":{"sluice/call":"mark"},"phases":[{"id":"a","state":"SUCCEEDED"},{"id":"b","state":"PENDING"}]}`,
	} {
		for kind := range kinds {
			f.Add(text, http.StatusOK, byte(kind))
		}
	}
	f.Add(`{"error":{"code":404,"errors":[null]}}`, http.StatusNotFound, byte(0))
	f.Fuzz(func(t *testing.T, text string, status int, kind byte) {
		d := openOver(t, map[string]string{override: "http://127.0.0.1:1/"}, &sandboxtest.Clock{}, googletest.Always(status, text))
		op := begun()
		calls := map[string]error{}
		r, err := stagetest.Current(t.Context(), d, target("prod"))
		if calls["current"] = err; err == nil && r.ID == "" {
			t.Errorf("%d %s: nothing runs", status, text)
		}
		_, calls["resolve"] = d.Resolve(t.Context(), target("prod"), "r7")
		op.Call.Kind = kinds[int(kind)%len(kinds)]
		_, calls["prepare"] = d.Prepare(t.Context(), op.Call)
		_, calls["begin"] = d.Begin(t.Context(), op.Call)
		_, _, calls["look up"] = d.Lookup(t.Context(), op.Call)
		_, _, calls["poll"] = d.Poll(t.Context(), op)
		for name, err := range calls {
			if err != nil && d.Explain(err).Code == "" {
				t.Errorf("%s: %v is not explained", name, err)
			}
		}
	})
}
