package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/stages/driver"
)

// work is what is saved of an effect under way, in Operation.Data.
type work struct {
	ID     string           `json:"id,omitempty"`     // what the program calls it
	Told   bool             `json:"told,omitempty"`   // an answer of it came: else it is asked only where the effect does not show
	Done   time.Time        `json:"done,omitzero"`    // when it said that it is done
	Failed []driver.Problem `json:"failed,omitempty"` // why it said that it failed
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (place, frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return place{}, f, &invalidError{fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
	}
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return place{}, f, &invalidError{fmt.Sprintf("the call was not prepared: %v", err)}
	}
	at, err := placeOf(c.Changes[0].Target)
	return at, f, err
}

// Begin has the program begin the effect. That it is done is believed when it shows.
func (d *programs) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	at, f, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	if err := ctx.Err(); err != nil {
		return driver.Operation{}, err
	}
	a, err := d.begin(ctx, at, &f.Effect)
	if err != nil {
		return driver.Operation{}, err
	}
	op, _, err := d.told(d.open(c), at, a)
	return op, err
}

// open is an operation under way.
func (d *programs) open(c driver.Call) driver.Operation {
	return driver.Operation{
		Kind: string(c.Kind), Status: driver.Running, Inserted: d.env.Time(),
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open}},
	}
}

// told keeps what the program said of an effect. It reads nothing: what is said is
// believed when it shows.
func (d *programs) told(op driver.Operation, at place, a answer) (driver.Operation, time.Duration, error) {
	wait, err := duration("wait", a.Wait, 0)
	if err != nil {
		return op, 0, err
	}
	w := work{ID: a.WorkID, Told: true}
	switch a.Status {
	case failed:
		w.Failed = a.Errors
	case succeeded:
		w.Done = d.env.Time()
	}
	if a.Log != "" {
		op.Results = map[string]driver.Result{at.of.Name: {Outcome: driver.Open, Log: a.Log}}
	}
	op.Data, err = json.Marshal(w)
	return op, wait, err
}

// end is an operation that is over, with the target as it was read back.
func (d *programs) end(op driver.Operation, at place, stands standing, r driver.Result) (driver.Operation, error) {
	var err error
	r.After, err = json.Marshal(stands)
	if r.Release.ID == "" {
		r.Release = stands.Stable
	}
	op.Status, op.Progress, op.Ended = driver.Done, 100, d.env.Time()
	op.Results = map[string]driver.Result{at.of.Name: r}
	return op, err
}

// Poll asks the program how far the effect is, and reads back what it says is done.
func (d *programs) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	at, f, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	w, err := workOf(op)
	if err != nil {
		return op, 0, err
	}
	if !w.Told || !w.Done.IsZero() || len(w.Failed) > 0 {
		return d.readBack(ctx, op, at, f, w)
	}
	op, wait, err := d.follow(ctx, op, at, f, w)
	if err != nil {
		return op, 0, err
	}
	if w, err = workOf(op); err != nil || w.Done.IsZero() && len(w.Failed) == 0 {
		return op, wait, err
	}
	return d.readBack(ctx, op, at, f, w)
}

func workOf(op driver.Operation) (work, error) {
	var w work
	if len(op.Data) == 0 {
		return w, nil // its answer was lost
	}
	if err := json.Unmarshal(op.Data, &w); err != nil {
		return w, &invalidError{fmt.Sprintf("the operation cannot be read: %v", err)}
	}
	return w, nil
}

// follow asks the program how far an effect is.
func (d *programs) follow(ctx context.Context, op driver.Operation, at place, f frozen, w work) (driver.Operation, time.Duration, error) {
	f.Effect.WorkID = w.ID
	a, err := d.ask(ctx, at, request{Operation: poll, Effect: &f.Effect})
	if err != nil {
		return op, 0, err
	}
	return d.told(op, at, a)
}

// readBack believes what shows. About an effect whose answer was lost the program is
// asked where it does not show yet.
func (d *programs) readBack(ctx context.Context, op driver.Operation, at place, f frozen, w work) (driver.Operation, time.Duration, error) {
	s, err := d.see(ctx, at)
	if err != nil {
		return op, 0, err
	}
	r := driver.Result{Outcome: driver.Failed, Log: op.Results[at.of.Name].Log, Errors: w.Failed}
	switch {
	case len(w.Failed) > 0:
		r.Restored = divided(s.split(), f.Before.split()) && s.pending.ID == ""
	case divided(s.split(), f.After.split()) && s.pending.ID == "":
		r.Outcome, r.Release = driver.Succeeded, op.Call.Changes[0].Release
	case !w.Told:
		return d.follow(ctx, op, at, f, w)
	case d.env.Time().Before(w.Done.Add(f.Settle)):
		return op, 0, nil
	default:
		r.Errors = []driver.Problem{{Message: fmt.Sprintf("%s says that it is done, and the target has %s, not %s", at.name(), s.standing, f.After)}}
	}
	op, err = d.end(op, at, s.standing, r)
	return op, 0, err
}

// Lookup compares what the target has with what it had before the call and what the call
// makes of it.
func (d *programs) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	at, f, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	s, err := d.see(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	to := f.After.Stable.ID
	if f.Effect.Kind == driver.Weight {
		to = f.After.Canary.ID
	}
	switch {
	case divided(s.split(), f.After.split()) && s.pending.ID == "", s.pending.ID == to:
		return driver.Found, d.open(c), nil
	case !s.same(f.Before):
		op, err := d.end(d.open(c), at, s.standing, driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{
			Message: fmt.Sprintf("somebody else changed the target: it has %s, neither %s as before nor %s as was to be made", s.standing, f.Before, f.After),
		}}})
		return driver.ForeignChange, op, err
	case d.env.Time().Before(c.Intended.Add(f.Settle)):
		return driver.Undecided, driver.Operation{}, nil
	}
	return driver.Absent, driver.Operation{}, nil
}
