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
	// lateness is how long an app of a promotion whose answer was lost may take
	// to show its release, once it is known that the promotion was sent.
	lateness = 5 * time.Minute

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
	byApp  map[string]report   // of a promotion
	direct report              // of anything else
	latest map[string]*release // the list that told it, by app's id; nil for another
}

func (r reports) of(p part) report {
	if r.byApp == nil {
		return r.direct
	}
	return r.byApp[p.App]
}

// Poll asks for the promotion's targets once, and then each app that is said
// to be done: it succeeded only where our slug is seen to run. When the promotion told
// which releases it made, the list of what the apps run tells the rest.
func (h *heroku) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, parts, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	open := undecided(parts, op)
	reports, err := h.reports(ctx, op, f, parts, open)
	if err != nil {
		return op, 0, err
	}
	judged, err := h.judge(ctx, f, open, reports)
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
		h.made.forget(op.ID)
	}
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

// reports reads what Heroku says of the operation itself: of the open parts, or of all.
func (h *heroku) reports(ctx context.Context, op driver.Operation, f frozen, parts, open []part) (reports, error) {
	var known progress
	if len(op.Data) > 0 {
		if err := json.Unmarshal(op.Data, &known); err != nil {
			return reports{}, &invalidError{text: fmt.Sprintf("the operation's data: %v", err)}
		}
	}
	if known.Promotion == "" {
		return reports{direct: report{release: known.Release}}, nil
	}
	told, latest, err := h.listed(ctx, f, known.Promotion, open)
	if told != nil || err != nil {
		return reports{byApp: told, latest: latest}, err
	}
	return h.promotionTargets(ctx, known.Promotion, parts)
}

// promotionTargets reads what a promotion says of each of its targets.
func (h *heroku) promotionTargets(ctx context.Context, promotion string, parts []part) (reports, error) {
	r := request{
		method: http.MethodGet, path: path("pipeline-promotions", promotion, "promotion-targets"), ranged: longest,
		asked: asked{promotion: promotion},
	}
	targets, err := list[promotionTarget](ctx, h.client, r)
	if err != nil {
		return reports{}, err
	}
	all := reports{byApp: map[string]report{}}
	for _, t := range targets {
		said := report{status: t.Status, message: t.Error}
		if t.Release != nil {
			said.release = t.Release.ID
		}
		all.byApp[t.App.ID] = said
	}
	for _, p := range parts {
		if _, told := all.byApp[p.App]; !told {
			return reports{}, doubted(r, "", fmt.Sprintf("the promotion's targets lack app %s, which it was sent for", p.App))
		}
	}
	h.made.keep(promotion, all.byApp)
	return all, nil
}

// judgement is what is decided about a target, and what is strange about it.
type judgement struct {
	driver.Result
	strange []driver.Problem
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

// waits is a target whose status nobody understands: it is waited for.
func waits(of, status string) judgement {
	return judgement{driver.Result{Outcome: driver.Open}, []driver.Problem{{
		Code: "unknown-status", Location: of,
		Message: fmt.Sprintf("Heroku says %q, which this version does not know: it counts as pending, never as success", status),
	}}}
}

// judge decides each part, as far as it can be decided now.
func (h *heroku) judge(ctx context.Context, f frozen, parts []part, said reports) (map[string]judgement, error) {
	var toAsk []part
	for _, p := range parts {
		if status := said.of(p).status; status == succeeded || status == "" {
			toAsk = append(toAsk, p)
		}
	}
	latest := said.latest
	if latest == nil {
		var err error
		if latest, err = h.latestFor(ctx, f, toAsk); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	judged := map[string]judgement{}
	err := each(ctx, h.atOnce, parts, func(ctx context.Context, p part) error {
		j, err := h.judgeOne(ctx, f, p, said.of(p), latest[p.App])
		mu.Lock()
		defer mu.Unlock()
		judged[p.Target.Name] = j
		return err
	})
	return judged, err
}

// latestFor reads the newest releases in one list where several apps are to be
// asked; of one app its own list is asked.
func (h *heroku) latestFor(ctx context.Context, f frozen, parts []part) (map[string]*release, error) {
	if len(parts) < 2 || f.Pipeline == "" {
		return nil, nil
	}
	return h.latest(ctx, f.Pipeline)
}

func (h *heroku) judgeOne(ctx context.Context, f frozen, p part, r report, latest *release) (judgement, error) {
	switch {
	case r.status == failed:
		result, err := h.promotionFailed(ctx, f, p, r)
		return judgement{Result: result}, err
	case r.status == pending:
		return judgement{Result: driver.Result{Outcome: driver.Open}}, nil
	case r.status != "" && r.status != succeeded:
		return waits("the promotion target of app "+p.App, r.status), nil
	}
	seen, err := h.examine(ctx, f, p, r.release, latest)
	if invisible(err) {
		return judgement{Result: failure(f, nil, fmt.Sprintf("what runs there cannot be read back: %v", err))}, nil
	}
	if err != nil {
		return judgement{}, err
	}
	if ours := seen.ours; ours != nil && ours.unknown() && ours != seen.running {
		return waits(fmt.Sprintf("release v%d of app %s", ours.Version, p.App), ours.Status), nil
	}
	result, err := h.conclusion(ctx, f, p, r, seen)
	return judgement{Result: result}, err
}

// conclusion is what an app's releases say about it.
func (h *heroku) conclusion(ctx context.Context, f frozen, p part, r report, seen evidence) (driver.Result, error) {
	ours := seen.ours
	switch {
	case ours == nil && r.release == "" && h.now().After(p.intended.Add(lateness)):
		return p.asBefore(failure(f, nil, fmt.Sprintf("Heroku made no release here within %s; why is not known, because the answer to the promotion was lost", lateness)), seen.running), nil
	case ours == nil || ours.Status == pending:
		return driver.Result{Outcome: driver.Open}, nil
	case ours.slug() != f.Slug:
		return driver.Result{}, doubted(request{method: http.MethodGet, path: path("apps", p.App, "releases")}, "",
			fmt.Sprintf("v%d, which is said to be made by this call, has slug %q and not %s", ours.Version, ours.slug(), f.Slug))
	case ours.Status == failed:
		result := failure(f, ours, fmt.Sprintf("release v%d failed in its release phase; %s", ours.Version, stillRunning(seen.running)))
		result.Log = h.output(ctx, ours)
		return p.asBefore(result, seen.running), nil
	case seen.running.slug() != f.Slug:
		return failure(f, ours, fmt.Sprintf("release v%d succeeded, but v%d with slug %q runs there now: somebody else released it", ours.Version, seen.running.Version, seen.running.slug())), nil
	default:
		return h.success(ctx, p, ours), nil
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
		Release: driver.Release{ID: r.slug(), Name: p.Release.Name, Platform: r.ID, CreateTime: p.Release.CreateTime, Comment: r.Description},
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

// asBefore is a failure after which running is what runs. A release that failed in its
// release phase never runs, so that mostly nothing is to be gone back from.
func (p part) asBefore(result driver.Result, running *release) driver.Result {
	if running.slug() == "" || running.slug() != p.Slug {
		return result
	}
	result.Restored, result.After = true, standingOf(running)
	result.Release = driver.Release{ID: running.slug(), Platform: running.ID, Comment: running.Description}
	return result
}

// promotionFailed is a target that Heroku itself calls failed: its message, and
// the output of the release phase, if it came that far.
func (h *heroku) promotionFailed(ctx context.Context, f frozen, p part, r report) (driver.Result, error) {
	message := r.message
	if message == "" {
		message = "Heroku gives no reason"
	}
	_, running, err := h.stands(ctx, p.App)
	if err != nil && !invisible(err) {
		return driver.Result{}, err
	}
	if r.release == "" {
		return p.asBefore(failure(f, nil, message), running), nil
	}
	made, err := h.release(ctx, p.App, r.release)
	if invisible(err) {
		return p.asBefore(failure(f, &release{ID: r.release}, message), running), nil
	}
	if err != nil {
		return driver.Result{}, err
	}
	result := failure(f, made, message+fmt.Sprintf(" (release v%d)", made.Version))
	result.Log = h.output(ctx, made)
	return p.asBefore(result, running), nil
}
