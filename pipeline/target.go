package pipeline

import (
	"fmt"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// readTarget reads one place on one platform. What it does not say itself comes
// from its stage.
func readTarget(w *walker, n *yaml.Node, s *Stage, inherited shared) (*Target, bool) {
	platforms := platformNames(w)
	keys := append([]string{"name", "component", "from", "formerly", "artifact"}, platforms...)
	keys = append(keys, "strategy", "identity", "predeploy", "verify", "postdeploy", "timeout", "operationTimeout", "poll")
	m, ok := w.mapping(n, "a target", keys...)
	if !ok {
		return nil, false
	}
	m.require("name")
	own := readShared(w, m, inherited)
	t := &Target{
		Pos:              m.pos,
		Name:             m.name("name"),
		Stage:            s,
		Component:        m.name("component"),
		From:             m.name("from"),
		Formerly:         m.name("formerly"),
		Artifact:         readArtifact(w, m),
		Canary:           own.canary,
		Predeploy:        own.predeploy,
		Verify:           own.verify,
		Postdeploy:       own.postdeploy,
		Timeout:          own.timeout,
		OperationTimeout: own.operationTimeout,
		Identities:       own.identities,
		Poll:             readPoll(w, m.node("poll")),
	}
	checkScopes(w, m, own)
	if platform, ok := m.exactlyOne(platforms...); ok {
		t.Platform, t.Config = readPlatform(w, platform, m.node(platform))
	}
	if t.Artifact.Value != "" && t.Platform.Platform != "" && !t.Platform.Digests {
		w.problem(t.Artifact.Pos, fmt.Sprintf("artifact: %s does not tell the digest of what it runs, and a record of a deployment is of one; remove it", t.Platform.Platform))
	}
	return t, true
}

// mostArtifact is how long GitHub lets an artifact's name be.
const mostArtifact = 255

// readArtifact reads the name of an artifact of the organisation, "" without the key.
func readArtifact(w *walker, m mapping) At[string] {
	name := m.filled("artifact")
	if len([]rune(name.Value)) > mostArtifact || strings.ContainsFunc(name.Value, unicode.IsControl) {
		w.problem(name.Pos, fmt.Sprintf("artifact: %s is not the name of an artifact; want at most %d characters in one line", quote(name.Value), mostArtifact))
	}
	return name
}

// checkScopes reports checks of a target that want to run once per stage.
func checkScopes(w *walker, m mapping, own shared) {
	report := func(key string, checks []*Check) {
		for _, c := range checks {
			if m.has(key) && c.Scope == ScopeStage {
				w.problem(c.Pos, key+": a check of a target cannot have scope: stage; move it to the stage")
			}
		}
	}
	report("predeploy", own.predeploy)
	report("verify", own.verify)
	report("postdeploy", own.postdeploy)
}

// platformNames lists the platforms that a target may name.
func platformNames(w *walker) []string {
	names := make([]string, len(w.platforms))
	for i, f := range w.platforms {
		names[i] = f.Platform
	}
	return names
}

// readPoll reads how a target's operations are polled; n is nil without the key.
func readPoll(w *walker, n *yaml.Node) driver.Backoff {
	if n == nil {
		return driver.Backoff{}
	}
	m, ok := w.mapping(n, "poll", "initial", "max", "factor")
	if !ok {
		return driver.Backoff{}
	}
	b := driver.Backoff{
		Initial: m.duration("initial", 0, 1),
		Max:     m.duration("max", 0, 1),
		Factor:  m.fraction("factor", 0, 1, 10),
	}
	if b.Max > 0 && b.Initial > b.Max {
		w.problem(w.pos(m.node("initial")), fmt.Sprintf("initial: %s is longer than max: %s; swap them", b.Initial, b.Max))
	}
	return b
}
