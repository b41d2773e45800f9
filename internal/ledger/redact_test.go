package ledger_test

import (
	"strings"
	"testing"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/rollout"
)

const credential = "hunter2-hunter2"

func hides(c *ledger.Config) {
	c.Redact = func(text string) string { return strings.ReplaceAll(text, credential, "***") }
}

// text is what is stored of the target web, of promotion p-1, and of run a.
func (w *world) text() string {
	w.t.Helper()
	var all strings.Builder
	for _, e := range []store.Entry{
		w.entry(store.KindTarget, "web"), w.entry(store.KindHistory, "web"), w.entry(store.KindPromotion, "p-1"), w.entry(store.KindRun, "a"),
	} {
		all.Write(e.Data)
	}
	return all.String()
}

// TestNoCredentialIsSaved: neither in a record, nor in a promotion's entry, a
// history, or this run's own.
func TestNoCredentialIsSaved(t *testing.T) {
	w := newWorld(t)
	a := w.start("a", hides, func(c *ledger.Config) { c.Run.RunURL = "https://example.com/" + credential })
	r := a.hold("web")["web"]
	r.AddEvent(rollout.Event{Type: "job.failed", Message: "it said " + credential})
	moved := rollout.Moved{Events: []rollout.Event{{ID: 1, Type: "job.failed", Message: "long ago it said " + credential}}}
	p := rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Command: "promote", Reason: "because of " + credential, Members: []string{"web"}}
	if got := <-a.Save(ledger.Row{Record: r, Moved: moved}, ledger.Row{Promotion: &p}); got.Err != nil {
		t.Fatal(got.Err)
	}
	if all := w.text(); strings.Contains(all, credential) || strings.Count(all, "***") != 4 {
		t.Errorf("stored is\n%s", all)
	}
}

// TestOldCredentialGoes: what an older save let in is cleaned by the next one of
// whoever holds the target, and left alone by what is saved beside a lease, so
// that the holder can go on.
func TestOldCredentialGoes(t *testing.T) {
	w := newWorld(t)
	a := w.start("a")
	r := a.hold("web")["web"]
	r.Rollouts = []rollout.Execution{{Rollout: rollout.Rollout{Name: "v1-to-web-0001", TargetID: "web", FailureReason: "it said " + credential}}}
	if got := a.saves(r); got.Err != nil {
		t.Fatal(got.Err)
	}
	b := w.start("b", hides)
	lock := block("lock-1")
	lock.Reason = "because of " + credential
	_, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, func(r *rollout.Record) error {
		return rollout.Apply(r, rollout.AddBlock{Block: lock}, b.limits.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := w.text(); strings.Contains(all, "because of "+credential) || !strings.Contains(all, "it said "+credential) {
		t.Errorf("beside a lease was stored\n%s", all)
	}
	r.AddEvent(rollout.Event{Type: "job.failed"})
	if got := a.saves(r); got.Err != nil || !isBlocked(w.record("web"), "lock-1") {
		t.Fatalf("the holder cannot go on: %v", got.Err)
	}
	a.closes()
	if got := b.saves(b.hold("web")["web"]); got.Err != nil {
		t.Fatal(got.Err)
	}
	if all := w.text(); strings.Contains(all, credential) {
		t.Errorf("stored is\n%s", all)
	}
}
