package view

import (
	"encoding/json"
	"slices"
	"strings"

	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// IdentityPlan is who would ask for what: the pipeline file names them.
type IdentityPlan struct {
	Vendor  string            `json:"vendor"`
	Keys    map[string]string `json:"keys"`              // as the file declares it: no credential is among them
	Targets []string          `json:"targets,omitempty"` // whose platform is asked
	Checks  []string          `json:"checks,omitempty"`  // whose checks are
	Needs   []string          `json:"needs"`             // in the vendor's words
}

// who is the identity in a few words.
func (i IdentityPlan) who() string {
	text := i.Vendor
	for _, name := range sortedKeys(i.Keys) {
		text += " " + name + " " + i.Keys[name]
	}
	return text
}

func sortedKeys(keys map[string]string) []string {
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// text is what it does, and what it needs for that.
func (i IdentityPlan) text() string {
	var does []string
	if len(i.Targets) > 0 {
		does = append(does, "acts for "+strings.Join(i.Targets, ", "))
	}
	if len(i.Checks) > 0 {
		does = append(does, "is asked as by the checks of "+strings.Join(i.Checks, ", "))
	}
	text := i.who() + " " + strings.Join(does, " and ")
	if len(i.Needs) > 0 {
		text += "; it needs " + strings.Join(i.Needs, ", ")
	}
	return text
}

// identities are who would ask in a plan, in the order in which they are met.
func (t *telling) identities(plan planner.Plan) []IdentityPlan {
	var list []IdentityPlan
	of := func(vendor string, config json.RawMessage) *IdentityPlan {
		var keys map[string]string
		if json.Unmarshal(config, &keys) != nil || len(keys) == 0 {
			return nil
		}
		one := IdentityPlan{Vendor: vendor, Keys: keys, Needs: []string{}}
		for i := range list {
			if list[i].who() == one.who() {
				return &list[i]
			}
		}
		list = append(list, one)
		return &list[len(list)-1]
	}
	for _, m := range plan.Moves {
		if d := t.declared[m.Target]; d != nil {
			actsFor(d, m, of)
			asksFor(d, m, of)
		}
	}
	return list
}

// actsFor notes who asks the target's platform.
func actsFor(d *pipeline.Target, m planner.Move, of func(string, json.RawMessage) *IdentityPlan) {
	vendor := d.Platform.Identity.Name
	i := of(vendor, d.As(vendor))
	if i == nil {
		return
	}
	i.Targets = append(i.Targets, m.Target)
	leads := d.Canary != nil && d.Canary.Header != nil
	for _, p := range d.Platform.Needs {
		if (!p.Changes || !m.Unchanged) && (!p.Testers || leads) {
			i.needs(p.Name)
		}
	}
}

// asksFor notes who the checks of a rollout ask as that a plan makes.
func asksFor(d *pipeline.Target, m planner.Move, of func(string, json.RawMessage) *IdentityPlan) {
	for _, one := range m.Do {
		spec, ok := created(one)
		if !ok {
			continue
		}
		for _, c := range spec.PlannedChecks() {
			if i := of(c.Gate.Vendor(), asksAs(d, c.Gate)); i != nil {
				if !slices.Contains(i.Checks, m.Target) {
					i.Checks = append(i.Checks, m.Target)
				}
				i.needs(c.Gate.Permissions()...)
			}
		}
	}
}

func asksAs(d *pipeline.Target, g rollout.Gate) json.RawMessage {
	if g.StageScope {
		return d.Stage.As(g.Vendor())
	}
	return d.As(g.Vendor())
}

func (i *IdentityPlan) needs(names ...string) {
	for _, name := range names {
		if !slices.Contains(i.Needs, name) {
			i.Needs = append(i.Needs, name)
		}
	}
}
