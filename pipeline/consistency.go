package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// checker judges what the parts of a pipeline say about each other. It sees
// the model alone, never YAML.
type checker struct {
	p        *Pipeline
	patterns patterns
	problems []Problem
}

// check is every contradiction between parts of the file.
func (p *Pipeline) check() []Problem {
	c := &checker{p: p, patterns: patterns{}}
	c.stageNames()
	c.order()
	c.targetNames()
	c.policyNames()
	c.components()
	c.sources()
	c.canaries()
	c.identities()
	c.variables()
	c.resources()
	c.references()
	c.soaks()
	return c.problems
}

// soaks checks that a stage whose releases soak has one before it.
func (c *checker) soaks() {
	for _, s := range c.p.Stages {
		if s.Soak > 0 && len(c.p.Previous(s)) == 0 {
			c.problem(s.soakPos, "soak: stage %q is the first: there is no stage before it on which a release could stand", s.Name.Value)
		}
	}
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
		case source != nil:
			c.travels(t, source)
			for _, other := range c.p.Beside(t, source) {
				c.travels(t, other)
			}
		}
	}
}

// travels checks that one release can run on a target and on one before it.
func (c *checker) travels(t, source *Target) {
	if source.Platform.Platform != t.Platform.Platform && source.Platform.Platform != "" && t.Platform.Platform != "" {
		c.problem(t.Pos, "target %q is on %s, but its source %q is on %s; a release travels on one platform: give each platform's chain a component of its own",
			t.Name.Value, t.Platform.Platform, source.Name.Value, source.Platform.Platform)
		return
	}
	c.bound(t, source)
}

// bound checks that a target and its source agree in what a release does not
// leave.
func (c *checker) bound(t, source *Target) {
	if bytes.Equal(t.Config, source.Config) {
		return
	}
	here, there := config(t), config(source)
	for _, k := range t.Platform.Keys {
		a, b := here[k.Name], there[k.Name]
		if !k.Bound || a == nil || b == nil || a == b {
			continue
		}
		c.problem(t.Pos, "target %q: %s is %v, but of its source %q it is %v, which no release leaves; give each %s a chain of its own: name the component of every target, one for each %s",
			t.Name.Value, k.Name, a, source.Name.Value, b, k.Name, k.Name)
		return
	}
}

// config is a target's keys, nil where they could not be read.
func config(t *Target) map[string]any {
	var keys map[string]any
	if json.Unmarshal(t.Config, &keys) != nil {
		return nil
	}
	return keys
}

// canaries checks that only platforms that can split traffic are asked to.
func (c *checker) canaries() {
	for t := range c.p.All() {
		if t.Canary == nil || t.Platform.Platform == "" {
			continue
		}
		if t.Platform.Supports(driver.Weight) {
			c.splits(t)
			continue
		}
		remedy := "remove the canary, or give it to those targets alone that can"
		if t.Platform.Remote {
			remedy = "the platform owns its rollouts' phases: declare the canary there"
		}
		c.problem(t.Canary.Pos, "canary: target %q: this platform cannot split traffic (%s); %s", t.Name.Value, t.Platform.Platform, remedy)
	}
}

// splits checks that a canary asks for no more than its platform's way to split
// traffic has.
func (c *checker) splits(t *Target) {
	how := t.Platform.Split
	for _, p := range t.Canary.Phases {
		if share := p.Percent; how.Whole && strings.Contains(share.Value, ".") {
			c.problem(share.Pos, "percentages: target %q: %s splits traffic by whole percents; write a whole number instead of %s", t.Name.Value, t.Platform.Title, share.Value)
		}
	}
	if variables := t.Canary.pairs(); len(variables) > 0 && !how.Variables {
		c.problem(variables[0].key.Pos, "variables: target %q: %s has no variables that a canary could see differently; leave the key out", t.Name.Value, t.Platform.Title)
	}
	if t.Canary.UseStageCache && !how.Cache {
		c.problem(t.Canary.Pos, "useStageCache: target %q: %s has no cache that a canary could share; leave the key out", t.Name.Value, t.Platform.Title)
	}
	if t.Canary.Header != nil {
		c.header(t)
	}
}

// header checks what testers send by the platform's own rules.
func (c *checker) header(t *Target) {
	h, f := t.Canary.Header, t.Platform
	if !f.Supports(driver.Route) {
		c.problem(h.Pos, "header: target %q: %s cannot lead requests by a header; leave the key out", t.Name.Value, f.Title)
		return
	}
	rules := f.Headers
	if h.Name.Value != "" && rules.Reserved != "" && c.patterns.whole(rules.Reserved, strings.ToLower(h.Name.Value)) {
		c.problem(h.Name.Pos, "name: %s leads no requests by the header %s, which is reserved; choose one such as x-canary", f.Title, quote(h.Name.Value))
	}
	for _, part := range []struct {
		key           string
		is            At[string]
		pattern, hint string
	}{
		{"domain", h.Domain, rules.Domain, rules.DomainHint},
		{"name", h.Name, rules.Name, rules.NameHint},
		{"value", h.Value, rules.Value, rules.ValueHint},
	} {
		if part.is.Value != "" && part.pattern != "" && !c.patterns.whole(part.pattern, part.is.Value) {
			c.problem(part.is.Pos, "%s: %s is no %s of a header's route on %s; want %s%s", part.key, quote(part.is.Value), part.key, f.Title, part.hint, notFilled(part.is.Value))
		}
	}
}

// variables checks the canaries' variables by each platform's own rules.
func (c *checker) variables() {
	type judged struct {
		canary   *Canary
		platform string
	}
	seen := map[judged]bool{}
	for t := range c.p.All() {
		once := judged{t.Canary, t.Platform.Platform}
		if t.Canary == nil || seen[once] || !t.Platform.Split.Variables {
			continue
		}
		seen[once] = true
		for _, v := range t.Canary.pairs() {
			c.variable(t.Platform, v)
		}
	}
}

func (c *checker) variable(f driver.Facts, v pair) {
	rules := f.Settings
	if rules.Name != "" && !c.patterns.whole(rules.Name, v.key.Value) {
		c.problem(v.key.Pos, "variables: %s takes no variable called %s; want %s", f.Title, quote(v.key.Value), rules.NameHint)
	}
	if rules.Value != "" && !c.patterns.whole(rules.Value, v.value.Value) {
		c.problem(v.value.Pos, "variables: %s takes no value %s, as %s has; want %s%s", f.Title, quote(v.value.Value), quote(v.key.Value), rules.ValueHint, notFilled(v.value.Value))
	}
}

// resources checks that no two targets name the same resource.
func (c *checker) resources() {
	seen := map[string][]*Target{}
	for t := range c.p.All() {
		keys := config(t)
		for _, id := range identities(t, keys) {
			if first := sameResource(t, keys, seen[id]); first != nil {
				c.problem(t.Pos, "target %q names the same resource as target %q (line %d): %s; a resource belongs to one target%s",
					t.Name.Value, first.Name.Value, first.Pos.Line, id, apart(t, keys, config(first)))
				break
			}
			seen[id] = append(seen[id], t)
		}
	}
}

// sameResource is the first of the targets, all of one identity as far as its
// keys are required, whose other identity keys do not tell it apart.
func sameResource(t *Target, keys map[string]any, others []*Target) *Target {
	for _, other := range others {
		if other != t && !toldApart(t.Platform, keys, config(other)) {
			return other
		}
	}
	return nil
}

// toldApart reports whether two targets name different values of an identity
// key that may be left out. One that is left out could be any.
func toldApart(f driver.Facts, a, b map[string]any) bool {
	return slices.ContainsFunc(f.Keys, func(k driver.Key) bool {
		return mayBeLeftOut(k) && a[k.Name] != nil && b[k.Name] != nil && a[k.Name] != b[k.Name]
	})
}

func mayBeLeftOut(k driver.Key) bool { return k.Identity && !k.Required && k.Type == driver.String }

// apart says which key would tell two targets apart, "" where none would.
func apart(t *Target, a, b map[string]any) string {
	for _, k := range t.Platform.Keys {
		if mayBeLeftOut(k) && (a[k.Name] == nil) != (b[k.Name] == nil) {
			return fmt.Sprintf(", and only a %s of each would tell them apart", k.Name)
		}
	}
	return ""
}

// identities names the resources of a target: one for each combination of its
// identity keys' values, without those that may be left out.
func identities(t *Target, keys map[string]any) []string {
	ids := []string{t.Platform.Platform}
	identified := false
	for _, k := range t.Platform.Keys {
		if !k.Identity || mayBeLeftOut(k) {
			continue
		}
		parts := identityParts(keys[k.Name])
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
		c.phases(a)
		c.goesOn(a)
	}
}

// goesOn checks that a rule which promotes from a stage has a stage to promote to.
func (c *checker) goesOn(a *Automation) {
	if a.Promote == nil || len(a.stages) == 0 {
		return
	}
	if s := c.p.byStage[a.stages[0].Value]; s != nil && len(s.next) == 0 {
		c.problem(a.stages[0].Pos, "from: no stage comes after %s, so there is nowhere to promote to; name a stage before the last", quote(s.Name.Value))
	}
}

// phases checks that a rule's phases are some that rollouts of its stage have. Those
// of a platform that owns its rollouts the file does not know.
func (c *checker) phases(a *Automation) {
	if len(a.stages) == 0 {
		return
	}
	s := c.p.byStage[a.stages[0].Value]
	if s == nil || slices.ContainsFunc(s.Targets, func(t *Target) bool { return t.Platform.Remote }) {
		return
	}
	var names []string
	for _, t := range s.Targets {
		names = append(names, t.Canary.PhaseNames()...)
	}
	c.known("phases", "phase of stage "+quote(s.Name.Value), a.phases, namesOf(firsts(names)))
}

// firsts keeps the first of each name.
func firsts(names []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(name string) bool {
		twice := seen[name]
		seen[name] = true
		return twice
	})
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
