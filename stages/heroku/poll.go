package heroku

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sluice/stages/driver"
)

const (
	// straggle is how long an app of a promotion whose answer was lost may take
	// to show its release, once it is known that the promotion was sent.
	straggle = 5 * time.Minute

	// lowWait is the pace of polls while the account's requests are nearly used up.
	lowWait = 15 * time.Second
)

// report is what is known of a target's share before its app is asked.
type report struct {
	status  string // of the promotion target; "" where the app alone can tell
	message string
	release string // the release made there; "" for not known, or none yet
}

// reports are what Heroku says of an operation.
type reports struct {
	byApp  map[string]report // of a promotion
	direct report            // of anything else
}

func (r reports) of(p part) report {
	if r.byApp == nil {
		return r.direct
	}
	return r.byApp[p.App]
}

// Poll asks for the promotion's targets once, and then each app that is said
// to be done: it succeeded only where our slug is seen to run.
func (h *heroku) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, parts, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	reports, err := h.reports(ctx, op)
	if err != nil {
		return op, 0, err
	}
	results, err := h.judge(ctx, f, undecided(parts, op), reports)
	if err != nil {
		return op, 0, err
	}
	next := op
	next.Results = map[string]driver.Result{}
	for _, name := range op.Call.Names() {
		next.Results[name] = op.Results[name]
		if r, ok := results[name]; ok {
			next.Results[name] = r
		}
	}
	conclude(&next)
	if h.tokens.low() {
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

// conclude sets an operation's status by its results.
func conclude(op *driver.Operation) {
	final := 0
	for _, r := range op.Results {
		if r.Outcome != driver.Open {
			final++
		}
	}
	op.Status, op.Progress = driver.Running, 100*final/max(len(op.Results), 1)
	if final == len(op.Results) {
		op.Status = driver.Done
	}
}

// reports reads what Heroku says of the operation itself.
func (h *heroku) reports(ctx context.Context, op driver.Operation) (reports, error) {
	var known progress
	if len(op.Data) > 0 {
		if err := json.Unmarshal(op.Data, &known); err != nil {
			return reports{}, &invalidError{text: fmt.Sprintf("the operation's data: %v", err)}
		}
	}
	if known.Promotion == "" {
		return reports{direct: report{release: known.Release}}, nil
	}
	targets, err := list[promotionTarget](ctx, h.client, request{method: http.MethodGet, path: path("pipeline-promotions", known.Promotion, "promotion-targets")})
	if err != nil {
		return reports{}, err
	}
	all := reports{byApp: map[string]report{}}
	for _, t := range targets {
		r := report{status: t.Status, message: t.Error}
		if t.Release != nil {
			r.release = t.Release.ID
		}
		all.byApp[t.App.ID] = r
	}
	return all, nil
}

// judge decides each part, as far as it can be decided now.
func (h *heroku) judge(ctx context.Context, f frozen, parts []part, said reports) (map[string]driver.Result, error) {
	var toAsk []part
	for _, p := range parts {
		if status := said.of(p).status; status == succeeded || status == "" {
			toAsk = append(toAsk, p)
		}
	}
	latest, err := h.latestFor(ctx, f, toAsk)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	results := map[string]driver.Result{}
	err = each(ctx, parts, func(ctx context.Context, p part) error {
		result, err := h.judgeOne(ctx, f, p, said.of(p), latest[p.App])
		mu.Lock()
		defer mu.Unlock()
		results[p.Target.Name] = result
		return err
	})
	return results, err
}

// latestFor reads the newest releases in one list where several apps are to be
// asked; of one app its own list is asked.
func (h *heroku) latestFor(ctx context.Context, f frozen, parts []part) (map[string]*release, error) {
	if len(parts) < 2 || f.Pipeline == "" {
		return nil, nil
	}
	return h.latest(ctx, f.Pipeline)
}

func (h *heroku) judgeOne(ctx context.Context, f frozen, p part, r report, latest *release) (driver.Result, error) {
	switch {
	case r.status == failed:
		return h.promotionFailed(ctx, f, p, r)
	case r.status != "" && r.status != succeeded:
		return driver.Result{Outcome: driver.Open}, nil
	}
	seen, err := h.sight(ctx, f, p, r.release, latest)
	if invisible(err) {
		return failure(f, nil, fmt.Sprintf("what runs there cannot be read back: %v", err)), nil
	}
	if err != nil {
		return driver.Result{}, err
	}
	return h.conclusion(ctx, f, p, r, seen), nil
}

// conclusion is what an app's releases say about it.
func (h *heroku) conclusion(ctx context.Context, f frozen, p part, r report, seen sighting) driver.Result {
	ours := seen.ours
	switch {
	case ours == nil && r.release == "" && h.now().After(p.intended.Add(straggle)):
		return failure(f, nil, fmt.Sprintf("Heroku made no release here within %s; why is not known, because the answer to the promotion was lost", straggle))
	case ours == nil || ours.Status == pending:
		return driver.Result{Outcome: driver.Open}
	case ours.Status == failed:
		result := failure(f, ours, fmt.Sprintf("release v%d failed in its release phase; %s", ours.Version, stillRunning(seen.running)))
		result.Log = h.output(ctx, ours)
		return result
	case seen.running.slug() != f.Slug:
		return failure(f, ours, fmt.Sprintf("release v%d succeeded, but v%d with slug %s runs there now: somebody else released it", ours.Version, seen.running.Version, seen.running.slug()))
	default:
		return h.success(ctx, p, ours)
	}
}

func stillRunning(r *release) string {
	if r.slug() == "" {
		return "nothing runs there"
	}
	return fmt.Sprintf("v%d with slug %s still runs", r.Version, r.slug())
}

// success is a release of ours that was seen to run.
func (h *heroku) success(ctx context.Context, p part, r *release) driver.Result {
	return driver.Result{
		Outcome: driver.Succeeded,
		Release: driver.Release{ID: r.slug(), Platform: r.ID, CreateTime: p.Release.CreateTime, Comment: r.Description},
		After:   standingOf(r),
		Log:     h.output(ctx, r),
	}
}

// failure is a target's share that failed; r is the release made there, nil for none.
func failure(f frozen, r *release, message string) driver.Result {
	result := driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Message: message}}}
	if r != nil {
		result.Release = driver.Release{ID: f.Slug, Platform: r.ID, Comment: r.Description}
	}
	return result
}

// promotionFailed is a target that Heroku itself calls failed: its message, and
// the output of the release phase, if it came that far.
func (h *heroku) promotionFailed(ctx context.Context, f frozen, p part, r report) (driver.Result, error) {
	message := r.message
	if message == "" {
		message = "Heroku gives no reason"
	}
	if r.release == "" {
		return failure(f, nil, message), nil
	}
	made := release{ID: r.release}
	err := h.get(ctx, path("apps", p.App, "releases", r.release), &made)
	if err != nil && !invisible(err) {
		return driver.Result{}, err
	}
	if made.Version > 0 {
		message += fmt.Sprintf(" (release v%d)", made.Version)
	}
	result := failure(f, &made, message)
	result.Log = h.output(ctx, &made)
	return result, nil
}
