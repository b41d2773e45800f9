package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
	"sluice/rollout"
)

// open is a ledger on a store that takes a while for each commit.
func open(b *testing.B, takes time.Duration) (*ledger.Ledger, *handle) {
	h := &handle{Memory: storetest.NewMemory(), w: &world{}}
	h.when(func(_ context.Context, entries []store.Entry, next commitFunc) ([]store.Entry, error) {
		time.Sleep(takes)
		return next(entries)
	}, nil)
	limits := work.Begin(b.Context(), work.Clock{}, work.Limits{})
	b.Cleanup(limits.End)
	return ledger.Open(b.Context(), ledger.Config{Store: h, Pipeline: "shop", Run: rollout.Run{ID: "run-a"}, Work: limits}), h
}

func take(b *testing.B, l *ledger.Ledger, targets []string) []*rollout.Record {
	if _, err := l.Load(b.Context(), targets...); err != nil {
		b.Fatal(err)
	}
	records := make([]*rollout.Record, len(targets))
	for i, name := range targets {
		r := fresh(name)
		records[i] = &r
	}
	if _, err := l.Take(b.Context(), records...); err != nil {
		b.Fatal(err)
	}
	if s := <-l.Save(rows(records...)...); s.Err != nil {
		b.Fatal(s.Err)
	}
	return records
}

// BenchmarkGrouped saves 1,000 targets five times each, so many side by side:
// commits is how many commits that takes, ideal how many it would where every
// commit holds as many saves as there are places.
func BenchmarkGrouped(b *testing.B) {
	const targets, saves = 1000, 5
	for _, places := range []int{8, 32, 256} {
		b.Run(fmt.Sprint("places-", places), func(b *testing.B) {
			commits := 0
			for b.Loop() {
				l, h := open(b, 20*time.Millisecond)
				records := take(b, l, names(targets))
				before := h.commits()
				work := make(chan *rollout.Record)
				var all sync.WaitGroup
				for range places {
					all.Go(func() {
						for r := range work {
							for i := range saves {
								if s := <-l.Save(rows(is(r, fmt.Sprint(i)))...); s.Err != nil {
									b.Error(s.Err)
								}
							}
						}
					})
				}
				for _, r := range records {
					work <- r
				}
				close(work)
				all.Wait()
				commits += h.commits() - before
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
			ideal := float64(targets*saves) / float64(places)
			b.ReportMetric(float64(commits)/float64(b.N), "commits/op")
			b.ReportMetric(float64(commits)/float64(b.N)/ideal, "commits/ideal")
		})
	}
}

// BenchmarkMany is a pipeline of 10,000 targets: all of it loaded, and one target
// saved.
func BenchmarkMany(b *testing.B) {
	l, h := open(b, 0)
	targets := names(10_000)
	records := take(b, l, targets)
	b.Run("load", func(b *testing.B) {
		limits := work.Begin(b.Context(), work.Clock{}, work.Limits{})
		defer limits.End()
		for b.Loop() {
			other := ledger.Open(b.Context(), ledger.Config{Store: h, Pipeline: "shop", Run: rollout.Run{ID: "run-b"}, Work: limits})
			if _, err := other.Load(b.Context(), targets...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("save one", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			if s := <-l.Save(rows(is(records[n%len(records)], fmt.Sprint(n)))...); s.Err != nil {
				b.Fatal(s.Err)
			}
		}
	})
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
