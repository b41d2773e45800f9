package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// Limits of a pipeline file.
const (
	MaxSize    = 8 << 20 // bytes of a file
	maxDepth   = 32      // mappings and lists inside each other
	maxAliased = 500_000 // values that aliases add to those that the file writes out
)

// Defaults of the pipeline file.
const (
	defaultTimeout          = 24 * time.Hour
	defaultOperationTimeout = time.Hour
	defaultHistory          = 20
	defaultStore            = "artifact"
	defaultBranch           = "sluice-state"
	defaultApprovalTimeout  = 24 * time.Hour
	defaultInterval         = 5 * time.Second
	maxDuration             = 366 * 24 * time.Hour
)

// Parse reads a pipeline file. file is the name that positions carry; platforms
// are the facts of every platform that a target may name.
//
// All mistakes are reported at once, sorted by position. As soon as there is
// one, the pipeline is nil; warnings come with a file without mistakes alone.
func Parse(file string, src []byte, platforms []driver.Facts) (*Pipeline, []Problem) {
	w := &walker{file: file, lines: splitLines(src), platforms: platforms, patterns: patterns{}}
	p := readFile(w, src)
	problems := w.sorted()
	if p == nil || Failed(problems) {
		return nil, slices.DeleteFunc(problems, func(p Problem) bool { return p.Warning })
	}
	return p, problems
}

// Failed reports whether any of the problems is more than a warning.
func Failed(problems []Problem) bool {
	for _, p := range problems {
		if !p.Warning {
			return true
		}
	}
	return false
}

// readFile walks the file; what it found wrong is in w.problems.
func readFile(w *walker, src []byte) *Pipeline {
	root, ok := load(w, src)
	if !ok {
		return nil
	}
	noteExpressions(w, root)
	p, ok := readPipeline(w, root)
	if !ok {
		return nil
	}
	p.File, p.lines = w.file, w.lines
	p.index()
	sum := sha256.Sum256(src)
	p.Digest = "sha256:" + hex.EncodeToString(sum[:])
	w.problems = append(w.problems, p.check()...)
	w.problems = append(w.problems, p.warn()...)
	return p
}

// readPipeline reads the file's top level.
func readPipeline(w *walker, n *yaml.Node) (*Pipeline, bool) {
	m, ok := w.mapping(withoutExtensions(n), "a pipeline", "name", "description", "labels", "annotations", "state", "supersede", "afterGoingBack",
		"timeout", "operationTimeout", "stages", "policies", "automation", "deployments", "comment", "notify")
	if !ok {
		return nil, false
	}
	m.require("name", "stages")
	p := &Pipeline{
		Name:             m.name("name"),
		Description:      readDescription(w, m),
		Labels:           m.pairs("labels", checkLabels),
		Annotations:      m.pairs("annotations", checkAnnotations),
		State:            readState(w, m.node("state")),
		Supersede:        m.flag("supersede", false),
		AfterGoingBack:   m.word("afterGoingBack", AfterGoingBackStop, AfterGoingBackStop, AfterGoingBackNewer).Value,
		Timeout:          m.duration("timeout", defaultTimeout, 1),
		OperationTimeout: m.duration("operationTimeout", defaultOperationTimeout, 1),
		Deployments:      At[bool]{m.word("deployments", "off", "off", "own").Value == "own", m.place("deployments")},
		Comment:          readComment(w, m),
		Notify:           readNotify(w, m),
	}
	for _, item := range m.someItems("stages", "a stage") {
		if s, ok := readStage(w, item, p); ok {
			p.Stages = append(p.Stages, s)
		}
	}
	for _, item := range m.items("policies", "a policy") {
		if policy, ok := readPolicy(w, item); ok {
			p.Policies = append(p.Policies, policy)
		}
	}
	for _, item := range m.items("automation", "an automation") {
		if a, ok := readAutomation(w, item); ok {
			p.Automation = append(p.Automation, a)
		}
	}
	return p, true
}

// readDescription reads the free text that is bounded as Cloud Deploy bounds it.
func readDescription(w *walker, m mapping) At[string] {
	const most = 255
	d := m.text("description")
	if n := len([]rune(d.Value)); n > most {
		w.problem(d.Pos, fmt.Sprintf("description: has %d characters; at most %d are allowed", n, most))
	}
	return d
}
