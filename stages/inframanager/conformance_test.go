package inframanager_test

import (
	"net/http"
	"testing"

	"sluice/internal/sandbox/sandboxtest"
	"sluice/stages/driver"
	"sluice/stages/inframanager"
	"sluice/stages/stagetest"
)

func TestConformance(t *testing.T) { stagetest.RunConformance(t, newHarness) }

func TestHostile(t *testing.T) { stagetest.RunHostile(t, newHarness) }

func newHarness(t *testing.T, faults ...string) stagetest.Harness {
	b := newBench(t, faults...)
	empty := target("fresh")
	unknown := target("gone")
	unknown.Config = []byte(`{"project": "shop-1234", "location": "europe-west1", "deployment": "gone"}`)
	return stagetest.Harness{
		Facts: inframanager.Facts(), Open: inframanager.Open,
		Env: b.server.Env(), Rejected: map[string]string{override: serve(t, http.HandlerFunc(unauthorized))},
		Now: b.clock.Now, Advance: b.clock.Move,
		Members: []stagetest.Member{{Target: target("prod"), Source: target("staging")}},
		Unknown: unknown, Empty: &empty,
		Snapshot: func() func() { return sandboxtest.Snapshot(t, b.emulator, b.clock) },
		Inside:   b.server.Transport(),
		Effects:  func() int { return len(b.server.Effects()) },
		Intrude:  b.emulator.Intrude,
		Fails:    "fail",
		Reach: func(driver.Kind) driver.Change {
			change := b.change(t, place("previewed", "previewed", true))
			_, op := b.begin(t, driver.Deploy, change)
			b.follow(t, op)
			return change
		},
	}
}

func unauthorized(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
	w.Write([]byte(`{"error":{"code":401,"message":"Request had invalid authentication credentials.","errors":[{"reason":"authError"}]}}`)) //nolint:errcheck // the client went away
}
