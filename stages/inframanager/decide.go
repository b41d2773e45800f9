package inframanager

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// waitApproval is what a preview waits for, as Result.Waiting.
const waitApproval = "approval"

// Poll reads the operation and, when it is done, what it left.
func (d *inframanager) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, at, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	next := op
	if op.ID != "" {
		working, err := d.operation(ctx, at, op.ID)
		switch {
		case err != nil:
			return op, google.RetryAfter(err), err
		case working == nil: // it was forgotten; what it did is not
			next.Results = map[string]driver.Result{op.Call.Changes[0].Target.Name: {Outcome: driver.Open}}
		case !working.Done:
			return working.open(op.Call), 0, nil
		case working.Error != nil && f.Do != propose:
			return d.broken(ctx, working.open(op.Call), at, f, working.problems())
		case working.Error != nil:
			return failedWith(working.open(op.Call), working.problems()...), 0, nil
		default:
			next = working.open(op.Call)
		}
	}
	next, err = d.outcome(ctx, next, at, f)
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	return next, 0, nil
}

// operation reads an operation, nil where it is not known any more.
func (d *inframanager) operation(ctx context.Context, at place, id string) (*operation, error) {
	working, err := google.Decoded[operation](d.client.Get(ctx, at.location()+"/operations/"+id))
	if google.IsStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	return working, err
}

// broken ends an operation that failed by itself, with what its revision says too.
func (d *inframanager) broken(ctx context.Context, op driver.Operation, at place, f frozen, why []driver.Problem) (driver.Operation, time.Duration, error) {
	o, err := d.observe(ctx, at)
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	if o.latest() > f.Latest && o.newest.State == failed && o.newest.release() == f.Release {
		why = append(why, o.newest.problems()...)
	}
	return failedWith(op, why...), 0, nil
}

// outcome says what an operation that is over left. Done is no success.
func (d *inframanager) outcome(ctx context.Context, op driver.Operation, at place, f frozen) (driver.Operation, error) {
	var shown *preview
	var err error
	if f.Do != apply {
		// Before the deployment: what deletes a preview changes the deployment first.
		if shown, err = d.preview(ctx, at, f.Preview); err != nil {
			return op, err
		}
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return op, err
	}
	switch {
	case f.Do == apply:
		return d.afterApply(ctx, op, o, f)
	case f.Do == drop && shown == nil:
		return o.succeed(op), nil
	case f.Do == drop:
		return op, nil
	case op.Call.Kind == driver.Approve:
		return o.afterAnew(op, shown, f), nil
	}
	return d.afterPreview(ctx, op, o, shown, f)
}

// afterApply is about an update: success is its revision, applied, as what the
// deployment runs.
func (d *inframanager) afterApply(ctx context.Context, op driver.Operation, o observed, f frozen) (driver.Operation, error) {
	dep := o.deployment
	switch {
	case o.runs(f):
		return o.succeed(op), nil
	case !o.steady(), o.newest != nil && o.newest.State == applying:
		return op, nil
	case o.latest() <= f.Latest:
		return failedWith(op, driver.Problem{
			Code: "NOT_APPLIED", Location: "deployment " + o.at.Deployment,
			Message: fmt.Sprintf("the operation is over, and no revision was made; the deployment is %s %s", dep.State, strings.TrimSpace(dep.ErrorCode+" "+dep.StateDetail)),
		}), nil
	}
	mine, err := d.mine(ctx, o, f)
	switch {
	case err != nil:
		return op, err
	case mine != nil && mine.State == failed:
		return failedWith(op, mine.problems()...), nil
	}
	return o.foreign(op), nil
}

// runs reports whether the deployment runs the release by a revision that is newer
// than those that were there before.
func (o observed) runs(f frozen) bool {
	return o.wholly() && number(o.current.Name) > f.Latest && o.current.release() == f.Release
}

// mine is the call's revision: the first of its release that is newer than those
// that were there before. Nil where there is none.
func (d *inframanager) mine(ctx context.Context, o observed, f frozen) (*revision, error) {
	all, err := d.revisions(ctx, o.at, o.deployment)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *revision) int { return number(a.Name) - number(b.Name) })
	i := slices.IndexFunc(all, func(r *revision) bool { return number(r.Name) > f.Latest && r.release() == f.Release })
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}

// afterPreview is about a preview that waits, and about what came of the word on it.
func (d *inframanager) afterPreview(ctx context.Context, op driver.Operation, o observed, shown *preview, f frozen) (driver.Operation, error) {
	newer := o.latest() > f.Latest
	switch {
	case o.runs(f):
		return o.succeed(op), nil
	case !o.steady():
		return op, nil
	case newer && o.newest.State == failed && o.newest.release() == f.Release:
		return failedWith(op, o.newest.problems()...), nil
	case newer:
		anew, err := d.preview(ctx, o.at, previewID(o.at, f.Release, o.latest()))
		switch {
		case err != nil:
			return op, err
		case anew != nil:
			shown = anew
		case shown != nil:
			return o.outdated(op, shown), nil
		}
	}
	return d.shown(ctx, op, o, shown)
}

// shown is about the preview itself.
func (d *inframanager) shown(ctx context.Context, op driver.Operation, o observed, shown *preview) (driver.Operation, error) {
	switch {
	case shown == nil:
		return failedWith(op, driver.Problem{
			Code: "PREVIEW_GONE", Message: "the preview is gone and its blueprint was not applied: it was rejected or deleted, or the deployment was updated past it; `sluice retry-job` makes a new one",
		}), nil
	case shown.State == previewFailed:
		return failedWith(op, shown.problems()...), nil
	case shown.State == previewStale:
		return o.outdated(op, shown), nil
	case shown.State != previewReady:
		return op, nil
	}
	does, err := d.changes(ctx, o.at, google.Last(shown.Name))
	if err != nil {
		return op, err
	}
	return waits(op, fmt.Sprintf("preview %s: %s; it waits: approve it to apply it, or reject it", google.Last(shown.Name), does)), nil
}

// waits has an operation wait for a person.
func waits(op driver.Operation, about string) driver.Operation {
	name := op.Call.Changes[0].Target.Name
	op.Results[name] = driver.Result{Outcome: driver.Open, Waiting: waitApproval, Data: op.Results[name].Data}
	op.Warnings = append(op.Warnings, driver.Problem{Code: "PREVIEW", Message: about})
	return op
}

// outdated is about a preview that does not show any more what would happen.
func (o observed) outdated(op driver.Operation, shown *preview) driver.Operation {
	return waits(op, fmt.Sprintf("revision %s was applied after preview %s was made: approving makes a new preview, which waits again", o.newest.id(), google.Last(shown.Name)))
}

// afterAnew is about a preview that was made instead of an outdated one: the word
// that asked for it is carried out when it is there.
func (o observed) afterAnew(op driver.Operation, shown *preview, f frozen) driver.Operation {
	switch {
	case shown == nil:
		return failedWith(op, driver.Problem{Code: "PREVIEW_GONE", Message: "preview " + f.Preview + " is not there"})
	case shown.State == previewFailed:
		return failedWith(op, shown.problems()...)
	case shown.State == previewReady, shown.State == previewStale:
		return o.succeed(op)
	}
	return op
}

// succeed ends an operation with what was read back.
func (o observed) succeed(op driver.Operation) driver.Operation {
	change := op.Call.Changes[0]
	release := o.release()
	if release.ID == change.Release.ID {
		release.Comment = change.Release.Comment
	}
	op.Status, op.Progress = driver.Done, 100
	data := op.Results[change.Target.Name].Data
	op.Results = map[string]driver.Result{change.Target.Name: {Outcome: driver.Succeeded, Release: release, After: o.standing().json(), Data: data}}
	return op
}

// foreign is what somebody else made of the deployment.
func (o observed) foreign(op driver.Operation) driver.Operation {
	stands := o.newest
	op = failedWith(op, driver.Problem{Code: "FOREIGN", Message: fmt.Sprintf("somebody else gave the deployment %s by revision %s", stands.release(), stands.id())})
	name := op.Call.Changes[0].Target.Name
	result := op.Results[name]
	result.Release, result.After = driver.Release{ID: stands.release(), Platform: stands.Name}, standing{Release: stands.release(), Revision: stands.id()}.json()
	op.Results[name] = result
	return op
}

// changes counts what a preview would do, and names what it would delete.
func (d *inframanager) changes(ctx context.Context, at place, id string) (string, error) {
	all, err := google.List[struct {
		Intent string `json:"intent"`
		Info   struct {
			Address string `json:"address"`
		} `json:"terraformInfo"`
	}](ctx, d.client, at.preview(id)+"/resourceChanges", "resourceChanges")
	if err != nil {
		return "", err
	}
	count := map[string]int{}
	var lost []string
	for _, c := range all {
		count[c.Intent]++
		if c.Intent == "DELETE" || c.Intent == "RECREATE" {
			lost = append(lost, c.Info.Address)
		}
	}
	text := fmt.Sprintf("%d to create, %d to update, %d to delete, %d to make anew", count["CREATE"], count["UPDATE"], count["DELETE"], count["RECREATE"])
	const most = 10
	switch {
	case len(lost) > most:
		text += fmt.Sprintf(" (%s and %d more)", strings.Join(lost[:most], ", "), len(lost)-most)
	case len(lost) > 0:
		text += " (" + strings.Join(lost, ", ") + ")"
	}
	return text, nil
}
