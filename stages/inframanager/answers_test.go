package inframanager_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages"
	"sluice/stages/driver"
	"sluice/stages/google/googletest"
	"sluice/stages/inframanager"
	"sluice/stages/stagetest"
)

// One bad answer to whatever request is read again and changes nothing.
func TestOneBadAnswerHeals(t *testing.T) {
	for _, kind := range inframanager.Facts().Kinds {
		t.Run(string(kind), func(t *testing.T) {
			googletest.Heals(t, func(t *testing.T) googletest.Platform { return badAnswers(t, kind) })
		})
	}
}

// The first deployment is concluded from proof alone, and so is a preview.
func TestOneBadAnswerHealsElsewhere(t *testing.T) {
	for name, to := range map[string]driver.Target{"fresh": target("fresh"), "preview": place("previewed", "previewed", true)} {
		t.Run(name, func(t *testing.T) {
			googletest.Heals(t, func(t *testing.T) googletest.Platform {
				b := newBench(t)
				return b.platform(t, b.call(driver.Deploy, b.change(t, to)))
			})
		})
	}
}

func badAnswers(t *testing.T, kind driver.Kind) googletest.Platform {
	b := newBench(t)
	change := b.change(t, target("prod"))
	switch kind {
	case driver.Rollback:
		p, r := b.do(t, driver.Deploy, change)
		change = driver.Change{Target: target("prod"), Baseline: p.Before["prod"], Expected: r.After}
	case driver.Approve, driver.Reject:
		change, _ = b.previewed(t)
	}
	return b.platform(t, b.call(kind, change))
}

func (b *bench) platform(t *testing.T, call driver.Call) googletest.Platform {
	return googletest.Platform{
		Open: func(rt http.RoundTripper) driver.Driver { return b.open(t, rt) },
		Call: call, Move: func() { b.clock.Move(5 * time.Second) },
		Effects: func() int { return len(b.server.Effects()) },
	}
}

// stopAt passes requests on and closes the stop when the answer to a read is there.
type stopAt struct {
	stop    func()
	patches int
}

func (s *stopAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch {
		s.patches++
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if r.Method == http.MethodGet {
		s.stop()
	}
	return res, err
}

// Begin reads before it sends. Once the run was told to stop in between, nothing is
// sent, and that is known for certain.
func TestNothingIsSentAfterTheStop(t *testing.T) {
	b := newBench(t)
	p := b.prepare(t, b.call(driver.Deploy, b.change(t, target("prod"))))
	stopping := make(chan struct{})
	via := &stopAt{stop: sync.OnceFunc(func() { close(stopping) })}
	env := driver.Env{Transport: via, Getenv: func(name string) string { return b.server.Env()[name] }}
	prod, err := stages.New(env, stages.Platform{Facts: inframanager.Facts(), Open: inframanager.Open}).Target(target("prod"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = prod.Begin(stages.WithStop(t.Context(), stopping), p.Call)
	if !stages.NotSent(err) || via.patches != 0 || len(b.server.Effects()) != 0 {
		t.Errorf("%v after %d PATCHes and %d effects", err, via.patches, len(b.server.Effects()))
	}
}

// answering is a platform with one deployment that answers as told, by the end of
// the path; what is not told is a 404.
func answering(t *testing.T, answers map[string]string) driver.Driver {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(r.URL.Path, "/locations/europe-west1/")
		text, ok := answers[rest]
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			text = `{"error":{"code":404,"message":"not found","status":"NOT_FOUND"}}`
		}
		w.Write([]byte(text)) //nolint:errcheck // the client went away
	})
	clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	return openAt(t, clock, map[string]string{override: serve(t, h)}, nil)
}

const (
	path      = `"name":"projects/shop-1234/locations/europe-west1/deployments/prod`
	latest    = `"latestRevision":"projects/shop-1234/locations/europe-west1/deployments/prod/revisions/r-1"`
	source    = `"terraformBlueprint":{"gcsSource":"gs://b/o.zip#1"}`
	whole     = `{` + path + `","state":"ACTIVE","serviceAccount":"s",` + latest + `,` + source + `}`
	wholeRev  = `{` + path + `/revisions/r-1","state":"APPLIED","createTime":"2026-03-01T00:00:00Z",` + source + `}`
	failedRev = `{` + path + `/revisions/r-2","state":"FAILED","createTime":"2026-03-01T00:00:00Z",` + source + `}`
)

// What an answer must carry, each without one part of it.
func TestWhatAnswersCarry(t *testing.T) {
	good := map[string]string{"deployments/prod": whole, "deployments/prod/revisions/r-1": wholeRev}
	if r, err := stagetest.Current(t.Context(), answering(t, good), target("prod")); err != nil || r.ID != "gs://b/o.zip#1" {
		t.Fatalf("%+v, %v", r, err)
	}
	for at, texts := range map[string][]string{
		"deployments/prod": {
			`{}`, strings.Replace(whole, "/prod\"", "/other\"", 1), strings.Replace(whole, `"ACTIVE"`, `7`, 1), strings.Replace(whole, `"state":"ACTIVE",`, ``, 1),
			strings.Replace(whole, `"serviceAccount":"s",`, ``, 1), strings.Replace(whole, latest+`,`, ``, 1), strings.Replace(whole, "r-1", "x", 1),
			strings.Replace(whole, "prod/revisions", "other/revisions", 1), strings.Replace(whole, source, `"terraformBlueprint":{}`, 1),
			strings.Replace(whole, source, `"terraformBlueprint":{"gcsSource":"gs://b/o","gitSource":{"repo":"https://x/y"}}`, 1),
			strings.Replace(whole, `"state":`, `"State":"FAILED","state":`, 1), strings.Replace(whole, "r-1", "r-9", 1),
		},
		"deployments/prod/revisions/r-1": {
			`{}`, strings.Replace(wholeRev, "r-1", "r-2", 1), strings.Replace(wholeRev, `"state":"APPLIED",`, ``, 1), strings.Replace(wholeRev, source, `"x":1`, 1),
			strings.Replace(wholeRev, `"createTime":"2026-03-01T00:00:00Z",`, ``, 1),
		},
		"deployments/prod/revisions": {`{}`, `{"revisions":[` + failedRev + `]}`, `{"revisions":[` + wholeRev + `],"unreachable":["x"]}`},
	} {
		for _, text := range texts {
			answers := map[string]string{"deployments/prod": whole, "deployments/prod/revisions/r-1": wholeRev, at: text}
			if at == "deployments/prod/revisions" {
				answers["deployments/prod"] = strings.Replace(whole, "ACTIVE", "FAILED", 1)
			}
			d := answering(t, answers)
			if r, err := stagetest.Current(t.Context(), d, target("prod")); err == nil || d.Explain(err).Code != driver.Lost {
				t.Errorf("%s of %s: %+v, %v", text, at, r, err)
			}
		}
	}
}

// A deployment that failed before there was a revision runs nothing, and says so.
func TestNothingWasEverApplied(t *testing.T) {
	text := strings.Replace(strings.Replace(whole, latest+`,`, `"errorCode":"BUCKET_CREATION_FAILED",`, 1), "ACTIVE", "FAILED", 1)
	d := answering(t, map[string]string{"deployments/prod": text, "deployments/prod/revisions": `{}`})
	if r, err := stagetest.Current(t.Context(), d, target("prod")); err != nil || r.ID != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

// FuzzAnyAnswer: whatever is answered to everything, no method panics, and every
// error is explained.
func FuzzAnyAnswer(f *testing.F) {
	for _, text := range []string{"", "null", "{}", "[]", `""`, whole, wholeRev, `{"deployments":[` + whole + `],"revisions":[null]}`, `{"revisions":[` + wholeRev + `],"nextPageToken":"1"}`} {
		f.Add(text, http.StatusOK)
	}
	f.Add(`{"error":{"code":404,"errors":[null]}}`, http.StatusNotFound)
	f.Add(`{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"it is locked"}}`, http.StatusBadRequest)
	f.Fuzz(func(t *testing.T, text string, status int) {
		clock := sandboxtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		d := openAt(t, clock, map[string]string{override: "http://127.0.0.1:1/"}, googletest.Always(status, text))
		change := driver.Change{Target: target("prod"), Release: driver.Release{ID: "gs://b/o.zip#2"}}
		call := driver.Call{Key: "1", Kind: driver.Deploy, Changes: []driver.Change{change}, Data: []byte(`{"do":"apply","release":"gs://b/o.zip#2","kept":"r-1","latest":1,"request":"x"}`)}
		calls := map[string]error{}
		_, calls["current"] = stagetest.Current(t.Context(), d, target("prod"))
		_, calls["resolve"] = d.Resolve(t.Context(), target("prod"), "gs://b/o.zip#2")
		_, calls["prepare"] = d.Prepare(t.Context(), call)
		_, calls["begin"] = d.Begin(t.Context(), call)
		_, _, calls["lookup"] = d.Lookup(t.Context(), call)
		_, _, calls["poll"] = d.Poll(t.Context(), driver.Operation{Call: call, ID: "op-1"})
		for name, err := range calls {
			if err != nil && d.Explain(err).Code == "" {
				t.Errorf("%s: %v is not explained", name, err)
			}
		}
	})
}
