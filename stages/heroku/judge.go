package heroku

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"sluice/stages/driver"
)

// lateness is how long an app of a promotion whose answer was lost may take
// to show its release, once it is known that the promotion was sent.
const lateness = 5 * time.Minute

// judgement is what is decided about a target, and what is strange about it.
type judgement struct {
	driver.Result
	strange []driver.Problem
}

// waits is a target whose status nobody understands: it is waited for.
func waits(of, status string) judgement {
	return judgement{driver.Result{Outcome: driver.Open}, []driver.Problem{{
		Code: "unknown-status", Location: of,
		Message: fmt.Sprintf("Heroku says %q, which this version does not know: it counts as pending, never as success", status),
	}}}
}

// judge decides each part, as far as it can be decided now.
func (f *frozenCall) judge(ctx context.Context, parts []part, said reports) (map[string]judgement, error) {
	var toAsk []part
	for _, p := range parts {
		if status := said.of(p).status; status == succeeded || status == "" {
			toAsk = append(toAsk, p)
		}
	}
	latest := said.latest
	if latest == nil {
		var err error
		if latest, err = f.latestFor(ctx, toAsk); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	judged := map[string]judgement{}
	err := each(ctx, f.atOnce, parts, func(ctx context.Context, p part) error {
		j, err := f.judgeOne(ctx, p, said.of(p), latest[p.App])
		mu.Lock()
		defer mu.Unlock()
		judged[p.Target.Name] = j
		return err
	})
	return judged, err
}

func (f *frozenCall) judgeOne(ctx context.Context, p part, r report, latest *release) (judgement, error) {
	switch {
	case r.status == failed:
		result, err := f.promotionFailed(ctx, p, r)
		return judgement{Result: result}, err
	case r.status == pending:
		return judgement{Result: driver.Result{Outcome: driver.Open}}, nil
	case r.status != "" && r.status != succeeded:
		return waits("the promotion target of app "+p.App, r.status), nil
	}
	seen, err := f.examine(ctx, p, r.release, latest)
	if invisible(err) {
		return judgement{Result: failure(f.frozen, nil, fmt.Sprintf("what runs there cannot be read back: %v", err))}, nil
	}
	if err != nil {
		return judgement{}, err
	}
	if ours := seen.ours; ours != nil && ours.unknown() && ours != seen.running {
		return waits(fmt.Sprintf("release v%d of app %s", ours.Version, p.App), ours.Status), nil
	}
	result, err := f.conclusion(ctx, p, r, seen)
	return judgement{Result: result}, err
}

// conclusion is what an app's releases say about it.
func (f *frozenCall) conclusion(ctx context.Context, p part, r report, seen evidence) (driver.Result, error) {
	ours := seen.ours
	switch {
	case ours == nil && r.release == "" && f.now().After(f.Intended.Add(lateness)):
		return p.asBefore(failure(f.frozen, nil, fmt.Sprintf("Heroku made no release here within %s; why is not known, because the answer to the promotion was lost", lateness)), seen.running), nil
	case ours == nil || ours.Status == pending:
		return driver.Result{Outcome: driver.Open}, nil
	case ours.slug() != f.Slug:
		return driver.Result{}, doubted(request{method: http.MethodGet, path: path("apps", p.App, "releases")}, "",
			fmt.Sprintf("v%d, which is said to be made by this call, has slug %q and not %s", ours.Version, ours.slug(), f.Slug))
	case ours.Status == failed:
		result := failure(f.frozen, ours, fmt.Sprintf("release v%d failed in its release phase; %s", ours.Version, stillRunning(seen.running)))
		result.Log = f.api.output(ctx, ours)
		return p.asBefore(result, seen.running), nil
	case seen.running.slug() != f.Slug:
		return failure(f.frozen, ours, fmt.Sprintf("release v%d succeeded, but v%d with slug %q runs there now: somebody else released it", ours.Version, seen.running.Version, seen.running.slug())), nil
	default:
		return f.success(ctx, p, ours), nil
	}
}

func stillRunning(r *release) string {
	if r.slug() == "" {
		return "nothing runs there"
	}
	return fmt.Sprintf("v%d with slug %s still runs", r.Version, r.slug())
}

// success is a release of ours that was seen to run.
func (f *frozenCall) success(ctx context.Context, p part, r *release) driver.Result {
	return driver.Result{
		Outcome: driver.Succeeded,
		Release: driver.Release{ID: r.slug(), Name: p.Release.Name, Platform: r.ID, CreateTime: p.Release.CreateTime, Comment: r.Description},
		After:   standingOf(r),
		Log:     f.api.output(ctx, r),
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
func (f *frozenCall) promotionFailed(ctx context.Context, p part, r report) (driver.Result, error) {
	message := r.message
	if message == "" {
		message = "Heroku gives no reason"
	}
	_, running, err := f.api.stands(ctx, p.App)
	if err != nil && !invisible(err) {
		return driver.Result{}, err
	}
	if r.release == "" {
		return p.asBefore(failure(f.frozen, nil, message), running), nil
	}
	made, err := f.api.release(ctx, p.App, r.release)
	if invisible(err) {
		return p.asBefore(failure(f.frozen, &release{ID: r.release}, message), running), nil
	}
	if err != nil {
		return driver.Result{}, err
	}
	result := failure(f.frozen, made, message+fmt.Sprintf(" (release v%d)", made.Version))
	result.Log = f.api.output(ctx, made)
	return p.asBefore(result, running), nil
}
