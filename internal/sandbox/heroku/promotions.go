package heroku

import (
	"fmt"

	"sluice/internal/sandbox/kit"
)

// promoted is a promotion.
type promoted struct {
	promotionBody
	Targets []*promotedTarget `json:"targets"`
}

// promotedTarget is what became of one target of a promotion.
type promotedTarget struct {
	targetBody
	Made string `json:"made"` // the release, by id; "" for none
}

func thePromotion(c *call) (*promoted, error) {
	return found(c.Promotions[c.PathValue("promotion")], "pipeline promotion")
}

type promotionInput struct {
	Pipeline struct{ ID string }
	Source   struct{ App struct{ ID string } }
	Targets  []promotionTarget
}

type promotionTarget struct{ App struct{ ID string } }

// promotionBody is a promotion as the API shows it.
type promotionBody struct {
	ID       string          `json:"id"`
	Pipeline ref             `json:"pipeline"`
	Source   promotionSource `json:"source"`
	Status   string          `json:"status"`
	times
}

type promotionSource struct {
	App     ref `json:"app"`
	Release ref `json:"release"`
}

// shownPromotion is a promotion as the API shows it.
//
// docs/platforms.md: "Promotion status `pending | completed`; **completed is not success**"
func (acc account) shownPromotion(p *promoted) promotionBody {
	b := p.promotionBody
	for _, t := range p.Targets {
		if acc.shownTarget(t).Status == pending {
			b.Status = pending
		}
	}
	return b
}

// targetBody is a promotion target as the API shows it.
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
func (acc account) shownTarget(t *promotedTarget) targetBody {
	b := t.targetBody
	if r := acc.made(t); r != nil {
		b.Release, b.Status = &ref{ID: r.ID}, r.Status
	}
	if b.Status == failed && b.Error == nil {
		b.Error = new("Release command failed")
	}
	return b
}

// made is the release that a promotion made on a target, nil where none is shown.
func (acc account) made(t *promotedTarget) *release {
	a := acc.Apps[t.App.ID]
	if a == nil || t.Made == "" {
		return nil
	}
	return kit.Find(a.visible(acc.now), func(r *release) bool { return r.ID == t.Made })
}

// createPromotion releases the source's slug on every target.
//
// docs/platforms.md: "`POST /pipeline-promotions` {pipeline.id, source.app.id, targets[].app.id}"
func createPromotion(c *call, in *promotionInput) (any, error) {
	from, running, err := c.promotable(*in)
	if err != nil {
		return nil, err
	}
	p := &promoted{promotionBody: promotionBody{
		ID: c.newID("promotion"), Pipeline: ref{ID: in.Pipeline.ID}, Status: "completed", times: at(c.now),
		Source: promotionSource{App: ref{ID: from.ID}, Release: ref{ID: running.ID}},
	}}
	for _, target := range in.Targets {
		p.Targets = append(p.Targets, c.promoteTo(p, c.Apps[target.App.ID], from, running))
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
	if running == nil || running.Slug == nil || from.Stack.Name == "container" {
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
	return c != nil && c.Pipeline.ID == pipelineID
}

// promoteTo is one target's share.
//
// docs/platforms.md: "Partial failure: targets are independent, nothing is rolled back."
func (c *call) promoteTo(p *promoted, a, from *app, running *release) *promotedTarget {
	t := &promotedTarget{targetBody: targetBody{ID: c.newID("promotion-target"), App: ref{ID: a.ID}, Promotion: ref{ID: p.ID}, Status: pending}}
	if c.fault(a) == faultReject {
		t.Status, t.Error = failed, new("User does not have access to that app")
		return t
	}
	s := c.slugOf(running)
	made := c.release(a, s, fmt.Sprintf("Promote %s v%d %s", from.Name, running.Version, short(s.Commit)))
	c.spoil(a, made)
	t.Made = made.ID
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
		if made := acc.made(t); made != nil {
			acc.look(made)
		}
	}
}

func getPromotionTargets(c *call, p *promoted) (any, error) {
	c.lookAt(p)
	return listOf(p.Targets, func(t *promotedTarget) any { return c.shownTarget(t) }, "id"), nil
}
