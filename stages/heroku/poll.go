package heroku

import (
	"context"
	"time"

	"sluice/stages/driver"
)

// lowWait is the pace of polls while the account's requests are nearly used up.
const lowWait = 15 * time.Second

// poll asks once how far the call is.
func (f *frozenCall) poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	open := undecided(f.parts, op)
	reports, err := f.reports(ctx, op, open)
	if err != nil {
		return op, 0, err
	}
	judged, err := f.judge(ctx, open, reports)
	if err != nil {
		return op, 0, err
	}
	next := op
	next.Results, next.Warnings = map[string]driver.Result{}, nil
	for _, name := range op.Call.Names() {
		next.Results[name] = op.Results[name]
		if j, ok := judged[name]; ok {
			next.Results[name] = j.about(open, name)
			next.Warnings = append(next.Warnings, j.strange...)
		}
	}
	if conclude(&next); next.Finished() {
		f.made.forget(op.ID)
	}
	if f.api.tokens.low() {
		return next, lowWait, nil
	}
	return next, 0, nil
}

// undecided are the parts without a final result.
func undecided(parts []part, op driver.Operation) []part {
	var open []part
	for _, p := range parts {
		if o := op.Results[p.Target.Name].Outcome; o != driver.Succeeded && o != driver.Failed {
			open = append(open, p)
		}
	}
	return open
}

// about is the result with where its app belongs.
func (j judgement) about(parts []part, name string) driver.Result {
	for _, p := range parts {
		if p.Target.Name == name {
			j.Data = p.data()
		}
	}
	return j.Result
}
