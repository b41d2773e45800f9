package pipeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// What a rollback on failure takes back, in a stage with waves.
const (
	ScopeWave      = "wave"      // the wave that failed
	ScopePromotion = "promotion" // all waves
)

// What automation may do after a target went back.
const (
	AfterGoingBackStop  = "stop"  // nothing, until a person promotes something newer
	AfterGoingBackNewer = "newer" // bring newer releases
)

// Waves says which targets of a stage begin together: cumulative sizes in the
// order of the file.
type Waves struct {
	Pos      Pos
	Sizes    []WaveSize    // the last is all of them
	Wait     time.Duration // after a wave, before the next
	Tolerate int           // so many targets of a wave may fail
	Scope    string        // of onFailure: rollback; "wave" or "promotion"
}

// WaveSize is how many targets have begun with a wave: a number of them, or a
// percentage of all. Exactly one is set.
type WaveSize struct {
	Count   int
	Percent int
}

// of is the size among so many targets, rounded up.
func (s WaveSize) of(targets int) int {
	if s.Percent > 0 {
		return (targets*s.Percent + 99) / 100
	}
	return min(s.Count, targets)
}

// Counts are the waves' cumulative sizes for so many targets: each larger than
// the one before, the last all of them. A wave without a target of its own is
// left out.
func (w Waves) Counts(targets int) []int {
	var counts []int
	last := 0
	for _, size := range w.Sizes {
		if n := size.of(targets); n > last {
			counts, last = append(counts, n), n
		}
	}
	return counts
}

// Halts reports whether a failure keeps the stage's other targets from beginning.
func (s *Stage) Halts() bool { return s.OnFailure == Halt || s.OnFailure == RollbackAll }

// readWaves reads a stage's waves; n is nil without the key.
func readWaves(w *walker, n *yaml.Node) *Waves {
	if n == nil {
		return nil
	}
	m, ok := w.mapping(n, "waves", "sizes", "wait", "tolerate", "scope")
	if !ok {
		return nil
	}
	m.require("sizes")
	return &Waves{
		Pos:      m.pos,
		Sizes:    readWaveSizes(w, m),
		Wait:     m.duration("wait", 0, 0),
		Tolerate: m.whole("tolerate", 0, 0, mostTolerated),
		Scope:    m.word("scope", ScopeWave, ScopeWave, ScopePromotion).Value,
	}
}

// mostTolerated bounds how many failures a wave may tolerate.
const mostTolerated = 10000

// readWaveSizes reads the cumulative sizes: numbers ascend among themselves, and so
// do percentages; the last is 100%.
func readWaveSizes(w *walker, m mapping) []WaveSize {
	var sizes []WaveSize
	var last WaveSize
	for _, item := range m.someItems("sizes", "a number of targets such as 1, or a percentage such as 25%") {
		size, ok := readWaveSize(w, item)
		if !ok {
			continue
		}
		if size.Count > 0 && size.Count <= last.Count || size.Percent > 0 && size.Percent <= last.Percent {
			w.problem(w.pos(item), fmt.Sprintf("sizes: %s does not ascend from the one before; sizes are cumulative: [1, 5, 100%%] is one, five in all, all", deref(item).Value))
		}
		last = WaveSize{Count: max(last.Count, size.Count), Percent: max(last.Percent, size.Percent)}
		sizes = append(sizes, size)
	}
	if len(sizes) > 0 && sizes[len(sizes)-1].Percent != 100 {
		w.problem(w.pos(m.node("sizes")), "sizes: the last wave is all targets; write 100% at the end")
	}
	return sizes
}

// readWaveSize reads one size.
func readWaveSize(w *walker, n *yaml.Node) (WaveSize, bool) {
	node := deref(n)
	text, percent := strings.CutSuffix(node.Value, "%")
	value, err := strconv.Atoi(text)
	plain := node.Kind == yaml.ScalarNode && wholePattern().MatchString(text)
	switch {
	case err != nil || !plain || percent && value > 100:
		w.problem(w.pos(n), fmt.Sprintf("sizes: want a number of targets such as 1, or a percentage such as 25%%, got %s", describe(node)))
		return WaveSize{}, false
	case percent:
		return WaveSize{Percent: value}, true
	default:
		return WaveSize{Count: value}, true
	}
}

// readOnFailure reads what a stage does when one of its targets fails. With waves it
// halts unless it says otherwise.
func readOnFailure(w *walker, m mapping) string {
	fallback := Continue
	if m.has("waves") {
		fallback = Halt
	}
	word := m.word("onFailure", fallback, Continue, Halt, RollbackAll)
	if m.has("waves") && word.Value == Continue {
		w.problem(word.Pos, "onFailure: continue would begin the next wave although this one failed; want halt or rollback, or remove waves")
	}
	return word.Value
}

// takeBack is what a rollback on failure takes back.
func (w *Waves) takeBack() string {
	if w == nil {
		return ScopePromotion
	}
	return w.Scope
}
