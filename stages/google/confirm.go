package google

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// confirmed is a driver that concludes what needs a person, or what would make
// it act on nothing, from two reads that agree. An answer may be well formed,
// carry its name and be wrong all the same; the next one heals it.
type confirmed struct{ driver.Driver }

const (
	nothing = "nothing runs there" // the word on a target where nothing runs
	absent  = "not there"          // the word on what the platform does not have
)

// Confirmed has a driver read twice before it says that nothing runs somewhere,
// that something speaks against a call, that a call never arrived or somebody
// else was there, or that an operation failed or left nothing. Where the two reads differ that is
// an [AnswerError].
func Confirmed(d driver.Driver) driver.Driver { return confirmed{d} }

// Live implements [driver.Driver]. The targets where nothing runs, or that are not
// there, are read once more, together.
func (d confirmed) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := d.Driver.Live(ctx, targets)
	var grave []int
	var again []driver.Target
	for i, t := range targets {
		if d.word(live[i], errs[i]) != "" {
			grave, again = append(grave, i), append(again, t)
		}
	}
	if len(grave) == 0 {
		return live, errs
	}
	second, failed := d.Driver.Live(ctx, again)
	for k, i := range grave {
		word, first := d.word(second[k], failed[k]), d.word(live[i], errs[i])
		live[i], errs[i] = second[k], failed[k]
		if word != first && (errs[i] == nil || word != "") {
			live[i], errs[i] = driver.Live{}, NoAnswer("what runs", "two reads in a row do not agree")
		}
	}
	return live, errs
}

// Approval implements [driver.Approver] where the driver does.
func (d confirmed) Approval(ctx context.Context, t driver.Target) (bool, error) {
	approver, ok := d.Driver.(driver.Approver)
	if !ok {
		return false, &UnsupportedError{Text: "the platform has no approvals of its own"}
	}
	return approver.Approval(ctx, t)
}

// word is what needs a second read of what a target runs, "" for nothing.
func (d confirmed) word(live driver.Live, err error) string {
	switch {
	case err == nil && live.Release.ID == "":
		return nothing
	case err != nil && d.Explain(err).Code == driver.NotFound:
		return absent
	default:
		return ""
	}
}

// Operation implements [driver.Driver].
func (d confirmed) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	var wait time.Duration
	op, err := twice(d, "operation "+name, func() (op driver.Operation, err error) {
		op, wait, err = d.Driver.Operation(ctx, t, name)
		return op, err
	}, func(op driver.Operation) string {
		return string(op.Results[t.Name].Outcome) + fmt.Sprint(op.Results[t.Name].Errors)
	})
	return op, wait, err
}

// Resolve implements [driver.Driver].
func (d confirmed) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	return twice(d, "release "+id, func() (driver.Release, error) { return d.Driver.Resolve(ctx, t, id) },
		func(driver.Release) string { return "" })
}

// Prepare implements [driver.Driver].
func (d confirmed) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	return twice(d, "prepare "+string(c.Kind), func() (driver.Prepared, error) { return d.Driver.Prepare(ctx, c) }, stopping)
}

// stopping is what a prepared call says that a person would have to see to.
func stopping(p driver.Prepared) string {
	var lines []string
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			lines = append(lines, string(f.Severity)+": "+f.Message)
		}
	}
	if len(p.First) > 0 {
		lines = append(lines, nothing)
	}
	return strings.Join(lines, "\n")
}

// Lookup implements [driver.Driver].
func (d confirmed) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	type looked struct {
		verdict driver.Verdict
		op      driver.Operation
	}
	l, err := twice(d, "look up "+string(c.Kind), func() (looked, error) {
		verdict, op, err := d.Driver.Lookup(ctx, c)
		return looked{verdict, op}, err
	}, func(l looked) string {
		if l.verdict == driver.Absent || l.verdict == driver.ForeignChange {
			return string(l.verdict) + "\n" + failures(l.op)
		}
		return failures(l.op)
	})
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return l.verdict, l.op, nil
}

// Poll implements [driver.Driver].
func (d confirmed) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	var wait time.Duration
	next, err := twice(d, "follow "+string(op.Call.Kind), func() (driver.Operation, error) {
		polled, hint, err := d.Driver.Poll(ctx, op)
		wait = hint
		return polled, err
	}, failures)
	if err != nil {
		return op, wait, err
	}
	return next, wait, nil
}

// failures are the targets of an operation that failed, with why, and those where
// nothing runs after it.
func failures(op driver.Operation) string {
	var lines []string
	for name, r := range op.Results {
		if r.Outcome == driver.Succeeded && r.Release.ID == "" {
			lines = append(lines, name+": "+nothing)
		}
		for _, p := range r.Errors {
			lines = append(lines, name+": "+p.Code)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// reading is what was read of something.
type reading[T any] struct {
	value T
	err   error // NotFound; nil where something was read
	word  string
}

// twice reads once more where grave has a word on what was read, or where what
// was asked for is not there; the second must have the same word.
func twice[T any](d confirmed, what string, read func() (T, error), grave func(T) string) (T, error) {
	once := func() (r reading[T], err error) {
		if r.value, r.err = read(); r.err == nil {
			r.word = grave(r.value)
			return r, nil
		}
		if d.Explain(r.err).Code != driver.NotFound {
			return r, r.err
		}
		r.word = absent
		return r, nil
	}
	first, err := once()
	if err != nil || first.word == "" {
		return first.value, err
	}
	second, err := once()
	if err == nil && second.word != first.word {
		err = NoAnswer(what, "two reads in a row do not agree")
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return second.value, second.err
}
