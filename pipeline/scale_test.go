package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/pipeline"
)

// fleet is a file with so many targets, half of them in each of two stages: each
// promoted from one of its own, in waves, with a canary that all share.
func fleet(targets int) string {
	var b strings.Builder
	b.WriteString("name: fleet\nstate: {store: git}\nstages:\n  - name: staging\n    targets:\n")
	for i := range targets / 2 {
		fmt.Fprintf(&b, "      - {name: staging-%05d, component: app-%05d, alpha: {id: %s}}\n", i, i, letters(2*i))
	}
	b.WriteString("  - name: production\n    waves: {sizes: [1, 25%, 100%], wait: 10m}\n    targets:\n")
	for i := range targets / 2 {
		anchor := "*canary"
		if i == 0 {
			anchor = "&canary {canary: {percentages: [10, 50], wait: 30m}}"
		}
		fmt.Fprintf(&b, "      - {name: app-%05d, component: app-%05d, alpha: {id: %s}, strategy: %s}\n", i, i, letters(2*i+1), anchor)
	}
	b.WriteString("policies:\n  - {name: freeze, targets: [")
	for i := range targets / 2 {
		fmt.Fprintf(&b, "app-%05d, ", i)
	}
	b.WriteString("], deny: {weekly: {days: [sat]}}}\n")
	return b.String()
}

// letters is a number as alpha's ids are.
func letters(n int) string {
	text := "x"
	for ; n > 0; n /= 26 {
		text += string(rune('a' + n%26))
	}
	return text
}

// TestFleet: a file of ten thousand targets is read, its aliases included, and
// what takes time of their square would show in the values that are made.
func TestFleet(t *testing.T) {
	allocations := func(targets int) float64 {
		src := []byte(fleet(targets))
		return testing.AllocsPerRun(1, func() {
			p, problems := pipeline.Parse("fleet.yaml", src, facts())
			if p == nil {
				t.Fatalf("does not parse:\n%.500s", pipeline.Format(problems))
			}
			for target := range p.All() {
				if _, err := p.Source(target); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	few, many := allocations(1000), allocations(10_000)
	if many > 10.5*few {
		t.Errorf("ten times the targets make %.1f times the values", many/few)
	}
}

// TestFleetExample: the example of a fleet has a thousand targets in five waves.
func TestFleetExample(t *testing.T) {
	const file = "../examples/fleet/sluice.yaml"
	p, problems := pipeline.Parse(file, read(t, file), platforms(t))
	if p == nil {
		t.Fatalf("does not parse:\n%.500s", pipeline.Format(problems))
	}
	production := p.Stages[len(p.Stages)-1]
	if got, want := production.Waves.Counts(len(production.Targets)), []int{1, 10, 100, 500, 1000}; !slices.Equal(got, want) {
		t.Errorf("waves of %v, want %v", got, want)
	}
}

// BenchmarkParse reads a fleet, and asks of each target what a promotion asks.
func BenchmarkParse(b *testing.B) {
	for _, targets := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(targets), func(b *testing.B) {
			src := []byte(fleet(targets))
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				p, _ := pipeline.Parse("fleet.yaml", src, facts())
				for target := range p.All() {
					if _, err := p.Source(target); err != nil {
						b.Fatal(err)
					}
					p.Blocked(pipeline.Question{Stage: target.Stage.Name.Value, Target: target.Name.Value, Action: "promote", Invoker: "person", Now: time.Unix(0, 0)})
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*targets), "ns/target")
		})
	}
}
