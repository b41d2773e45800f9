package heroku

import (
	"fmt"
	"slices"

	"sluice/stages/driver"
)

const (
	remedyCouple = "couple it (`heroku pipelines:add`), or give the target its pipeline and stage and say couple: true"
	remedyMove   = "move the app (`heroku pipelines:update`), or say in the pipeline file where it is"
)

// check finds what speaks against the deployment.
func (d *deployment) check() {
	if d.wanted() == "" {
		d.refuseAll("no release is named", "name one with --release")
		return
	}
	if d.source != nil && !d.checkSource() {
		return
	}
	seen := map[string]string{}
	for i, p := range d.targets {
		if p.missing != "" {
			d.find(refusal(p.target, p.missing, p.remedy))
			continue
		}
		if other, twice := seen[p.app.ID]; twice {
			d.find(refusal(p.target, fmt.Sprintf("app %s is target %s too", p.app.Name, other), "name each app once"))
		}
		seen[p.app.ID] = p.target.Name
		d.checkTarget(p)
		if !d.unchanged(p) {
			d.checkExpected(d.call.Changes[i], p)
		}
	}
}

// refuseAll adds a refusal that concerns every target alike.
func (d *deployment) refuseAll(message, remedy string) {
	for _, change := range d.call.Changes {
		d.find(refusal(change.Target, message, remedy))
	}
}

// checkSource reports whether the source can be promoted from. It must still
// run the release that was pinned: a promotion takes what runs.
func (d *deployment) checkSource() bool {
	from := d.source
	message, remedy := from.missing, from.remedy
	switch {
	case message != "":
	case from.app.containers():
		message = fmt.Sprintf("source app %s is on the container stack, which a promotion cannot carry", from.app.Name)
		remedy = "release the image on each app by itself"
	case from.running.slug() == "":
		message = fmt.Sprintf("source app %s has no release with a slug", from.app.Name)
		remedy = "deploy there first"
	case from.running.slug() != d.wanted():
		message = fmt.Sprintf("source app %s runs slug %s now (v%d), not the pinned %s", from.app.Name, from.running.slug(), from.running.Version, d.wanted())
		remedy = "start a new promotion of what runs there"
	default:
		message, remedy = d.drift(from)
	}
	if message == "" {
		return true
	}
	d.refuseAll(message, remedy)
	return false
}

// checkTarget finds what speaks against one target.
func (d *deployment) checkTarget(p *participant) {
	if p.app.containers() {
		d.find(refusal(p.target, fmt.Sprintf("app %s is on the container stack, which cannot run a slug", p.app.Name), "set its stack, or release images there"))
	}
	if d.source == nil {
		d.checkAlone(p)
		return
	}
	if p.app.ID == d.source.app.ID {
		d.find(refusal(p.target, fmt.Sprintf("app %s would be promoted to itself", p.app.Name), "name another app as the target"))
		return
	}
	if message, remedy := d.drift(p); message != "" {
		d.find(refusal(p.target, message, remedy))
		return
	}
	d.checkOrder(p)
	if a, b := d.source.app.Stack.Name, p.app.Stack.Name; a != b {
		d.find(warning(p.target, fmt.Sprintf("the stacks differ: %s is on %s, %s on %s", d.source.app.Name, a, p.app.Name, b), ""))
	}
}

// checkAlone is about an app that gets a release of its own: it needs no
// pipeline, unless one is declared.
func (d *deployment) checkAlone(p *participant) {
	message, remedy := d.drift(p)
	switch {
	case message == "":
	case p.coupling == nil && p.place.Pipeline == "":
		d.find(warning(p.target, message, remedy))
	default:
		d.find(refusal(p.target, message, remedy))
	}
}

// drift says how the account differs from the declaration; "" for not at all.
func (d *deployment) drift(p *participant) (message, remedy string) {
	if declared := p.place.Pipeline; declared != "" && declared != d.create && !d.pipeline.is(declared) {
		return fmt.Sprintf("target %s declares pipeline %s, but the promotion is in pipeline %s", p.target.Name, declared, d.pipelineName()), remedyMove
	}
	if p.coupling == nil {
		return p.uncoupled()
	}
	if c := p.coupling; c.Pipeline.ID != d.pipeline.ID {
		return fmt.Sprintf("app %s is coupled to pipeline %s, not to %s", p.app.Name, called(c.Pipeline), d.pipelineName()), remedyMove
	}
	if p.place.Stage != "" && p.coupling.Stage != p.place.Stage {
		return fmt.Sprintf("app %s is in stage %s of pipeline %s, not in %s", p.app.Name, p.coupling.Stage, d.pipelineName(), p.place.Stage), remedyMove
	}
	return "", ""
}

// uncoupled is about an app in no pipeline.
func (p *participant) uncoupled() (message, remedy string) {
	switch {
	case !p.place.Couple:
		return fmt.Sprintf("app %s is in no pipeline", p.app.Name), remedyCouple
	case p.place.Pipeline == "":
		return fmt.Sprintf("app %s is in no pipeline, and couple: true names none", p.app.Name), "give the target its pipeline"
	case p.place.Stage == "":
		return fmt.Sprintf("app %s is in no pipeline, and Heroku has no stage %q to couple it to", p.app.Name, p.target.Stage), "give the target one of Heroku's stages"
	default:
		return "", ""
	}
}

func (d *deployment) pipelineName() string {
	if d.create != "" {
		return d.create
	}
	return called(named{ID: d.pipeline.ID, Name: d.pipeline.Name})
}

// checkOrder refuses to promote backward or within a stage, unless both ends
// were named on purpose.
func (d *deployment) checkOrder(p *participant) {
	from, to := d.source.stage(), p.stage()
	a, b := slices.Index(order(), from), slices.Index(order(), to)
	if d.call.Changes[0].Options.AnyOrder || a >= 0 && a < b {
		return
	}
	way := "backward"
	switch {
	case from == to:
		way = "within one stage"
	case a < 0 || b < 0:
		way = "off Heroku's order (development, staging, production)"
	}
	d.find(refusal(p.target, fmt.Sprintf("promoting %s (%s) to %s (%s) goes %s", d.source.app.Name, from, p.app.Name, to, way),
		"name both ends on purpose (--from), or move the app to another stage"))
}

// stage is where the app is, or will be when Begin has coupled it.
func (p *participant) stage() string {
	if p.coupling != nil {
		return p.coupling.Stage
	}
	return p.place.Stage
}

// checkExpected finds that somebody else released something since the
// rollout's last effect. A new release of the same slug is none of that.
func (d *deployment) checkExpected(change driver.Change, p *participant) {
	if len(change.Expected) == 0 || change.Options.Resolved {
		return
	}
	left := standingIn(change.Expected)
	if left.Slug == p.running.slug() {
		return
	}
	d.find(driver.Finding{
		Target: change.Target.Name, Severity: driver.Foreign,
		Message: fmt.Sprintf("somebody else released slug %s on app %s since this rollout left %s there", p.running.slug(), p.app.Name, left.Slug),
		Remedy:  "find out who; then retry-job goes on from what stands, ignore-job accepts it, rollback goes back",
	})
}
