package heroku

import (
	"fmt"
	"time"
)

// promoted is a promotion.
type promoted struct {
	ID       string            `json:"id"`
	Pipeline string            `json:"pipeline"`
	Source   string            `json:"source"`
	Release  string            `json:"release"` // of the source
	Targets  []*promotedTarget `json:"targets"`
	Created  time.Time         `json:"created"`
}

// promotedTarget is what became of one target of a promotion.
type promotedTarget struct {
	ID      string `json:"id"`
	App     string `json:"app"`
	Release string `json:"release"` // "" for none
	Error   string `json:"error"`   // why there is none
}

func thePromotion(c *call) (*promoted, error) {
	return found(c.Promotions[c.PathValue("promotion")], "pipeline promotion")
}

type promotionInput struct {
	Pipeline struct{ ID string }
	Source   struct{ App struct{ ID string } }
	Targets  []struct{ App struct{ ID string } }
}

type promotionBody struct {
	ID       string          `json:"id"`
	Pipeline ref             `json:"pipeline"`
	Source   promotionSource `json:"source"`
	Status   string          `json:"status"`
	Created  time.Time       `json:"created_at"`
	Updated  time.Time       `json:"updated_at"`
}

type promotionSource struct {
	App     ref `json:"app"`
	Release ref `json:"release"`
}

// shownPromotion is a promotion as the API shows it.
//
// docs/platforms.md: "Promotion status `pending | completed`; **completed is not success**"
func (acc account) shownPromotion(p *promoted) promotionBody {
	b := promotionBody{
		ID: p.ID, Pipeline: ref{ID: p.Pipeline}, Status: "completed", Created: p.Created, Updated: p.Created,
		Source: promotionSource{App: ref{ID: p.Source}, Release: ref{ID: p.Release}},
	}
	for _, t := range p.Targets {
		if acc.shownTarget(p, t).Status == pending {
			b.Status = pending
		}
	}
	return b
}

type targetBody struct {
	ID        string  `json:"id"`
	App       ref     `json:"app"`
	Promotion ref     `json:"pipeline_promotion"`
	Release   *ref    `json:"release"`
	Status    string  `json:"status"`
	Error     *string `json:"error_message"`
}

// shownTarget is a promotion target as the API shows it.
//
// docs/platforms.md: "Target status `pending | succeeded | failed`, `error_message` and `release` nullable"
// docs/platforms.md: "A non-null `release` is not completion: the release phase still runs."
func (acc account) shownTarget(p *promoted, t *promotedTarget) targetBody {
	b := targetBody{ID: t.ID, App: ref{ID: t.App}, Promotion: ref{ID: p.ID}, Status: pending}
	message := t.Error
	if a := acc.Apps[t.App]; a != nil && message == "" {
		if r := a.release(t.Release); r != nil && !r.Visible.After(acc.now) {
			b.Release, b.Status = &ref{ID: r.ID}, r.Status
			if r.Status == failed {
				message = "Release command failed"
			}
		}
	}
	if message != "" {
		b.Status, b.Error = failed, &message
	}
	return b
}

// createPromotion releases the source's slug on every target.
//
// docs/platforms.md: "`POST /pipeline-promotions` {pipeline.id, source.app.id, targets[].app.id}"
func createPromotion(c *call, in *promotionInput) (any, error) {
	from, running, err := c.promotable(*in)
	if err != nil {
		return nil, err
	}
	p := &promoted{
		ID: c.newID("promotion"), Pipeline: in.Pipeline.ID, Source: from.ID, Release: running.ID,
		Created: second(c.now),
	}
	for _, target := range in.Targets {
		p.Targets = append(p.Targets, c.promoteTo(c.Apps[target.App.ID], from, running))
	}
	c.Promotions[p.ID] = p
	return c.shownPromotion(p), nil
}

// promotable checks a promotion before anything of it happens.
//
// docs/platforms.md: "Container-stack apps cannot be promoted"
func (acc account) promotable(in promotionInput) (*app, *release, error) {
	if acc.Pipelines[in.Pipeline.ID] == nil {
		return nil, nil, notFound("pipeline")
	}
	from := acc.Apps[in.Source.App.ID]
	if from == nil || !acc.coupled(from.ID, in.Pipeline.ID) {
		return nil, nil, invalid("The source app is not in the pipeline")
	}
	running := from.current()
	if running == nil || running.Slug == "" || from.Stack == "container" {
		return nil, nil, invalid("The source app has no slug to promote")
	}
	if len(in.Targets) == 0 {
		return nil, nil, invalid("At least one target is required")
	}
	for _, t := range in.Targets {
		switch {
		case acc.Apps[t.App.ID] == nil || !acc.coupled(t.App.ID, in.Pipeline.ID):
			return nil, nil, invalid("Target app %s is not in the pipeline", t.App.ID)
		case t.App.ID == from.ID:
			return nil, nil, invalid("Cannot promote from an app to itself")
		}
	}
	return from, running, nil
}

func (acc account) coupled(appID, pipelineID string) bool {
	c := acc.Couplings[appID]
	return c != nil && c.Pipeline == pipelineID
}

// promoteTo is one target's share.
//
// docs/platforms.md: "Partial failure: targets are independent, nothing is rolled back."
func (c *call) promoteTo(a, from *app, running *release) *promotedTarget {
	t := &promotedTarget{ID: c.newID("promotion-target"), App: a.ID}
	if c.fault(a) == faultReject {
		t.Error = "User does not have access to that app"
		return t
	}
	made := c.release(a, running.Slug, fmt.Sprintf("Promote %s v%d %s", from.Name, running.Version, short(c.Slugs[running.Slug].Commit)))
	c.spoil(a, made)
	t.Release = made.ID
	return t
}

func getPromotion(c *call, p *promoted) (any, error) {
	c.lookAt(p)
	return c.shownPromotion(p), nil
}

// lookAt looks at the releases that a promotion made: by whatever way it is read, it
// goes on.
func (acc account) lookAt(p *promoted) {
	for _, t := range p.Targets {
		a := acc.Apps[t.App]
		if a == nil || t.Release == "" {
			continue
		}
		if made := a.release(t.Release); made != nil && !made.Visible.After(acc.now) {
			acc.look(made)
		}
	}
}

func getPromotionTargets(c *call, p *promoted) (any, error) {
	c.lookAt(p)
	return listOf("id", p.Targets, func(t *promotedTarget) item { return item{map[string]string{"id": t.ID}, c.shownTarget(p, t)} }), nil
}
