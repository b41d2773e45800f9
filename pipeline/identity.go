package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// Identity is who asks a vendor's platforms and what checks ask of it, in the place of
// whom the environment has.
type Identity struct {
	Pos    Pos
	Name   string          // the vendor's key, as platforms' facts have it
	Config json.RawMessage // its keys, a JSON object; no credential is among them
}

// readIdentities reads who asks; n is nil without the key. What is not said is inherited.
func readIdentities(w *walker, n *yaml.Node, inherited []Identity) []Identity {
	if n == nil {
		return inherited
	}
	known := identitiesOf(w.platforms)
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	m, ok := w.mapping(n, "identity", names...)
	if !ok {
		return inherited
	}
	if len(m.present(names...)) == 0 {
		w.problem(m.pos, "identity: it names nobody; give one of "+strings.Join(names, ", ")+", or remove the key")
	}
	all := slices.Clone(inherited)
	for _, k := range known {
		if m.has(k.Name) {
			all = slices.DeleteFunc(all, func(i Identity) bool { return i.Name == k.Name })
			all = append(all, readIdentity(w, k, m.node(k.Name)))
		}
	}
	return all
}

func readIdentity(w *walker, k driver.Identity, n *yaml.Node) Identity {
	config, m := readDeclared(w, k.Name, n, k.Keys)
	one := Identity{Pos: w.pos(n), Name: k.Name, Config: config}
	keys := make([]string, len(k.Keys))
	for i, key := range k.Keys {
		keys[i] = key.Name
	}
	if m.values != nil && len(m.present(keys...)) == 0 && !slices.ContainsFunc(k.Keys, func(key driver.Key) bool { return key.Required }) {
		w.problem(one.Pos, fmt.Sprintf("%s: it names nobody; give %s", k.Name, strings.Join(keys, " or ")))
	}
	return one
}

// identitiesOf are those that platforms have, each once.
func identitiesOf(platforms []driver.Facts) []driver.Identity {
	var all []driver.Identity
	for _, f := range platforms {
		have := slices.ContainsFunc(all, func(i driver.Identity) bool { return i.Name == f.Identity.Name })
		if f.Identity.Name != "" && !have {
			all = append(all, f.Identity)
		}
	}
	return all
}

// named finds a vendor's identity; nil where nobody is named.
func named(all []Identity, vendor string) json.RawMessage {
	i := slices.IndexFunc(all, func(one Identity) bool { return one.Name == vendor })
	if i < 0 || vendor == "" {
		return nil
	}
	return all[i].Config
}

// As is who asks a vendor for the target; nil is whom the environment has.
func (t *Target) As(vendor string) json.RawMessage { return named(t.Identities, vendor) }

// As is who asks a vendor for what the stage checks once for its targets.
func (s *Stage) As(vendor string) json.RawMessage { return named(s.Identities, vendor) }

// AsOf is who asks the platform of a target, wherever the target comes from.
func (p *Pipeline) AsOf(t driver.Target) json.RawMessage {
	declared, err := p.Target(t.Name)
	if err != nil || declared.Platform.Platform != t.Platform {
		return nil
	}
	return declared.As(declared.Platform.Identity.Name)
}

// Variables are the environment variables that identities name: they hold credentials,
// each in the place of the variable of its platform's that it leads to.
func (p *Pipeline) Variables() map[string]string {
	all := map[string]string{}
	for t := range p.All() {
		keys := t.identityKeys()
		for _, k := range t.Platform.Identity.Keys {
			if name := keys[k.Name]; k.Variable && name != "" && len(t.Platform.Secrets) > 0 {
				all[name] = t.Platform.Secrets[0]
			}
		}
	}
	return all
}

// ShowsToken reports whether somebody is asked as to whom a job shows its own token.
func (p *Pipeline) ShowsToken() bool {
	for t := range p.All() {
		shows, local := false, false
		keys := t.identityKeys()
		for _, k := range t.Platform.Identity.Keys {
			shows = shows || k.Token && keys[k.Name] != ""
			local = local || k.Local && keys[k.Name] != ""
		}
		if shows && !local {
			return true
		}
	}
	return false
}

// identityKeys are what the file says of who asks the target's platform.
func (t *Target) identityKeys() map[string]string {
	var keys map[string]string
	if json.Unmarshal(t.As(t.Platform.Identity.Name), &keys) != nil {
		return nil
	}
	return keys
}

// vendor is whom a check asks.
func (c *Check) vendor() string {
	switch {
	case c.Alarms != nil:
		return c.Alarms.Vendor()
	case c.Metric != nil:
		return c.Metric.Vendor()
	case c.Compare != nil:
		return c.Compare.Canary.Vendor()
	default:
		return ""
	}
}

// readIdentities checks that who is named is asked as: what is never used is a mistake of
// somebody who thinks that it is.
func (c *checker) identities() {
	used := map[Pos]bool{}
	all := map[Pos]Identity{}
	for _, s := range c.p.Stages {
		note := func(list []Identity, vendors ...string) {
			for _, i := range list {
				all[i.Pos] = i
				used[i.Pos] = used[i.Pos] || slices.Contains(vendors, i.Name)
			}
		}
		for _, check := range s.Checks() {
			note(s.Identities, check.vendor())
		}
		for _, t := range s.Targets {
			vendors := []string{t.Platform.Identity.Name}
			for _, check := range t.Checks() {
				vendors = append(vendors, check.vendor())
			}
			note(t.Identities, vendors...)
		}
		note(s.Identities)
	}
	for at, i := range all {
		if !used[at] {
			c.problem(at, "identity: nothing here asks %s, neither a platform nor a check; remove %s", i.Name, i.Name)
		}
	}
}
