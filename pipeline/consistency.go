package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"sluice/stages/driver"
)

// checker judges what the parts of a pipeline say about each other. It sees
// the model alone, never YAML.
type checker struct {
	p        *Pipeline
	problems []Problem
}

// check is every contradiction between parts of the file.
func (p *Pipeline) check() []Problem {
	c := &checker{p: p}
	c.stageNames()
	c.targetNames()
	c.policyNames()
	c.components()
	c.sources()
	c.canaries()
	c.resources()
	c.references()
	return c.problems
}

func (c *checker) problem(pos Pos, format string, args ...any) {
	c.problems = append(c.problems, Problem{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

// unique reports a name that an earlier one of its kind has.
func (c *checker) unique(what, plural string, seen map[string]Pos, name At[string]) {
	if name.Value == "" {
		return
	}
	if first, twice := seen[name.Value]; twice {
		c.problem(name.Pos, "name: another %s is called %q (line %d); the names of %s differ within a pipeline", what, name.Value, first.Line, plural)
		return
	}
	seen[name.Value] = name.Pos
}

func (c *checker) stageNames() {
	seen := map[string]Pos{}
	for _, s := range c.p.Stages {
		c.unique("stage", "stages", seen, s.Name)
	}
}

func (c *checker) policyNames() {
	seen := map[string]Pos{}
	for _, policy := range c.p.Policies {
		c.unique("policy", "policies", seen, policy.Name)
	}
}

// targetNames checks names and earlier names: a record belongs to one target.
func (c *checker) targetNames() {
	names, earlier := map[string]Pos{}, map[string]Pos{}
	for t := range c.p.All() {
		c.unique("target", "targets", names, t.Name)
	}
	for t := range c.p.All() {
		old := t.Formerly
		if old.Value == "" {
			continue
		}
		if first, taken := names[old.Value]; taken {
			c.problem(old.Pos, "formerly: a target is called %q now (line %d); formerly takes over the record of a name that is no longer used", old.Value, first.Line)
		}
		if first, twice := earlier[old.Value]; twice {
			c.problem(old.Pos, "formerly: %q is taken over by another target already (line %d)", old.Value, first.Line)
		}
		earlier[old.Value] = old.Pos
	}
}

// components checks that either every target names its component or none does.
func (c *checker) components() {
	named := c.p.Components()
	for t := range c.p.All() {
		if len(named) > 0 && t.Component.Value == "" && t.Component.Pos == (Pos{}) {
			c.problem(t.Pos, "target %s needs the key \"component\", because other targets have it: one of %s, or a new one", quote(t.Name.Value), someOf(named))
		}
	}
}

// sources checks that every target after the first stage has one source.
func (c *checker) sources() {
	for t := range c.p.All() {
		source, err := c.p.Source(t)
		switch {
		case err != nil && t.From.Value != "":
			c.problem(t.From.Pos, "from: %v", err)
		case err != nil:
			c.problem(t.Pos, "%v", err)
		case source != nil && source.Platform.Platform != t.Platform.Platform && source.Platform.Platform != "" && t.Platform.Platform != "":
			c.problem(t.Pos, "target %q is on %s, but its source %q is on %s; a release travels on one platform: give each platform's chain a component of its own",
				t.Name.Value, t.Platform.Platform, source.Name.Value, source.Platform.Platform)
		}
	}
}

// canaries checks that only platforms that can split traffic are asked to.
func (c *checker) canaries() {
	for t := range c.p.All() {
		if t.Canary == nil || t.Platform.Platform == "" || t.Platform.Supports(driver.Weight) {
			continue
		}
		remedy := "remove the canary, or give it to those targets alone that can"
		if t.Platform.Remote {
			remedy = "the platform owns its rollouts' phases: declare the canary there"
		}
		c.problem(t.Canary.Pos, "canary: target %q: this platform cannot split traffic (%s); %s", t.Name.Value, t.Platform.Platform, remedy)
	}
}

// resources checks that no two targets name the same resource.
func (c *checker) resources() {
	seen := map[string]*Target{}
	for t := range c.p.All() {
		for _, id := range identities(t) {
			first, taken := seen[id]
			if taken && first != t {
				c.problem(t.Pos, "target %q names the same resource as target %q (line %d): %s; a resource belongs to one target",
					t.Name.Value, first.Name.Value, first.Pos.Line, id)
				break
			}
			seen[id] = t
		}
	}
}

// identities names the resources of a target: one for each combination of its
// identity keys' values.
func identities(t *Target) []string {
	var config map[string]any
	if json.Unmarshal(t.Config, &config) != nil {
		return nil
	}
	ids := []string{t.Platform.Platform}
	identified := false
	for _, k := range t.Platform.Keys {
		if !k.Identity {
			continue
		}
		parts := identityParts(config[k.Name])
		identified = identified || len(parts) > 0
		ids = combine(ids, k.Name, parts)
	}
	if !identified {
		return nil
	}
	return ids
}

// identityParts is the values of one identity key.
func identityParts(value any) []string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, fmt.Sprint(element))
		}
		return parts
	}
	return nil
}

// combine adds one key's values to every identity so far.
func combine(ids []string, key string, parts []string) []string {
	if len(parts) == 0 {
		return ids
	}
	var all []string
	for _, id := range ids {
		for _, part := range parts {
			all = append(all, strings.TrimSpace(id+" "+key+" "+quote(part)))
		}
	}
	return all
}

// references checks the stages and targets that policies and automation name.
func (c *checker) references() {
	stages, targets := namesOf(c.p.stageNames()), namesOf(c.p.targetNames())
	for _, policy := range c.p.Policies {
		c.known("stages", "stage", policy.stages, stages)
		c.known("targets", "target", policy.targets, targets)
	}
	for _, a := range c.p.Automation {
		c.known("automation", "stage", a.stages, stages)
	}
}

// known reports names that nothing in the file has.
func (c *checker) known(key, what string, names []At[string], have nameSet) {
	for _, name := range names {
		if !have.has[name.Value] {
			c.problem(name.Pos, "%s: no %s is called %s%s; want one of %s", key, what, quote(name.Value), didYouMean(name.Value, have.list), someOf(have.list))
		}
	}
}

// nameSet is names in the order of the file, to be looked up.
type nameSet struct {
	list []string
	has  map[string]bool
}

func namesOf(list []string) nameSet { return nameSet{list: list, has: setOf(list)} }

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}
