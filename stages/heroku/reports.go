package heroku

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"sluice/stages/driver"
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

// reports reads what Heroku says of the operation itself: of the open parts, or of all.
func (f *frozenCall) reports(ctx context.Context, op driver.Operation, open []part) (reports, error) {
	var known progress
	if len(op.Data) > 0 {
		if err := json.Unmarshal(op.Data, &known); err != nil {
			return reports{}, &invalidError{text: fmt.Sprintf("the operation's data: %v", err)}
		}
	}
	if known.Promotion == "" {
		return reports{direct: report{release: known.Release}}, nil
	}
	told, latest, err := f.listed(ctx, known.Promotion, open)
	if told != nil || err != nil {
		return reports{byApp: told, latest: latest}, err
	}
	return f.promotionTargets(ctx, known.Promotion)
}

// promotionTargets reads what a promotion says of each of its targets.
func (f *frozenCall) promotionTargets(ctx context.Context, promotion string) (reports, error) {
	r := request{
		method: http.MethodGet, path: path("pipeline-promotions", promotion, "promotion-targets"), ranged: longest,
		asked: asked{promotion: promotion},
	}
	targets, err := list[promotionTarget](ctx, f.api, r)
	if err != nil {
		return reports{}, err
	}
	all, made := reports{byApp: map[string]report{}}, map[string]string{}
	for _, t := range targets {
		said := report{status: t.Status, message: t.Error}
		if t.Release != nil && t.Release.ID != "" {
			said.release, made[t.App.ID] = t.Release.ID, t.Release.ID
		}
		all.byApp[t.App.ID] = said
	}
	for _, p := range f.parts {
		if _, told := all.byApp[p.App]; !told {
			return reports{}, doubted(r, "", fmt.Sprintf("the promotion's targets lack app %s, which it was sent for", p.App))
		}
	}
	f.made.keep(promotion, made)
	return all, nil
}

// listed is how far a promotion is by the list of what its pipeline's apps run, which
// is read in any case before one of them counts as done. It says nothing (nil) where it
// does not show each app's release, known from before, as on its way or as what runs:
// what went wrong the promotion alone tells.
func (f *frozenCall) listed(ctx context.Context, promotion string, open []part) (map[string]report, map[string]*release, error) {
	releases := f.made.of(promotion)
	for _, p := range open {
		if releases[p.App] == "" {
			return nil, nil, nil
		}
	}
	latest, err := f.latestFor(ctx, open)
	if err != nil {
		return nil, nil, err
	}
	told := map[string]report{}
	for _, p := range open {
		r := latest[p.App]
		switch {
		case r == nil || r.ID != releases[p.App]:
			return nil, nil, nil
		case r.Status == pending:
		case !r.runs() || r.unknown() || r.slug() != f.Slug:
			return nil, nil, nil
		}
		told[p.App] = report{status: r.Status, release: r.ID}
	}
	return told, latest, nil
}
