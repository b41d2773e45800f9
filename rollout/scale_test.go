package rollout

import (
	"fmt"
	"testing"
	"time"
)

// promotionOf makes a promotion of n targets in waves, and its records.
func promotionOf(tb testing.TB, n int) (*Group, []*Record) {
	tb.Helper()
	p := Promotion{Schema: Schema, Pipeline: "shop", ID: "p1", OnFailure: OnFailureHalt, Waves: waves(0, 0, max(1, n/100), max(2, n/4), n)}
	records, byName := make([]*Record, n), map[string]*Record{}
	for i := range n {
		name := fmt.Sprintf("t%05d", i)
		p.Members = append(p.Members, name)
		r := New("shop", targetOf(name))
		if err := Apply(&r, Create{Spec: planFor(name, gated(JobVerify), staged(JobVerify))}, t0); err != nil {
			tb.Fatal(err)
		}
		records[i], byName[name] = &r, &r
	}
	return NewGroup(&p, byName), records
}

// carry drives a promotion the way the executor does: only what changed, or was
// woken, is looked at again. It says how often that was.
func carry(tb testing.TB, g *Group, records []*Record) (looked int) {
	tb.Helper()
	at := map[string]*Record{}
	queue := make([]string, len(records))
	for i, r := range records {
		queue[i], at[r.Target] = r.Target, r
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		r := at[name]
		looked++
		Settle(r, g, Setting{}, t0)
		g.Changed(name)
		if moved := carryOne(tb, g, r, Next(r, g, Setting{}, t0)); moved {
			queue = append(queue, name)
		}
		g.Changed(name)
		queue = append(queue, g.React(t0).Woken...)
	}
	return looked
}

// carryOne does what is due on a target; everything is done at once.
func carryOne(tb testing.TB, g *Group, r *Record, due Due) bool {
	tb.Helper()
	key := due.Rollout + "/call"
	var todo []Transition
	switch due.Action {
	case ActionEffect:
		e, _ := r.Rollout(due.Rollout)
		todo = []Transition{Intend{Due: due, Call: callOf(key, due.Kind, e.Change(due))}, Answer{Key: key, Operation: doneFor(r.Target, e.Spec.Release)}}
	case ActionCheck:
		todo = []Transition{StartJob{Due: due}, PassJob{Due: due}}
	case ActionStageCheck:
		g.StartCheck(r.Target, due, t0)
		g.EndCheck(r.Target, due, CheckPassed, "", t0)
		return true
	default:
		return false
	}
	for _, t := range todo {
		if err := Apply(r, t, t0); err != nil {
			tb.Fatal(err)
		}
	}
	return true
}

// TestAPromotionIsLinearInItsTargets: ten times as many are looked at ten times
// as often, not a hundred times.
func TestAPromotionIsLinearInItsTargets(t *testing.T) {
	perTarget := map[int]float64{}
	for _, n := range []int{200, 2000} {
		g, records := promotionOf(t, n)
		looked := carry(t, g, records)
		for _, r := range records {
			if e, _ := r.Of("p1"); e.Rollout.State != StateSucceeded {
				t.Fatalf("%s of %d is %s: %+v", r.Target, n, e.Rollout.State, Next(r, g, Setting{}, t0))
			}
		}
		if checks := len(g.Promotion.Checks); checks != 3 {
			t.Errorf("%d checks of scope stage in three waves", checks)
		}
		perTarget[n] = float64(looked) / float64(n)
	}
	if perTarget[2000] > 1.1*perTarget[200] || perTarget[2000] > 12 {
		t.Errorf("looked at each %v times", perTarget)
	}
}

// BenchmarkPromotion carries a promotion to its end; ns/target says whether that
// is linear.
func BenchmarkPromotion(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var spent time.Duration
			for range b.N {
				g, records := promotionOf(b, n)
				began := time.Now()
				carry(b, g, records)
				spent += time.Since(began)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*n), "ns/target")
		})
	}
}

// BenchmarkReact is what the loop pays after each change of a row.
func BenchmarkReact(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g, records := promotionOf(b, n)
			g.React(t0)
			b.ResetTimer()
			for i := range b.N {
				r := records[i%n]
				g.Changed(r.Target)
				g.React(t0)
				Next(r, g, Setting{}, t0)
			}
		})
	}
}
