package deploymentmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data. It names
// the manifest; what the manifest holds, which may be long and secret, stays on
// the platform, where it never changes.
type frozen struct {
	Release     string            `json:"release"`               // what the deployment is to run
	Project     string            `json:"project,omitempty"`     // of the manifest to send
	Deployment  string            `json:"deployment,omitempty"`  // of the manifest to send
	Manifest    string            `json:"manifest,omitempty"`    // the manifest to send
	Fingerprint string            `json:"fingerprint,omitempty"` // of the target's deployment
	Insert      bool              `json:"insert,omitempty"`      // the target's deployment is made
	Preview     bool              `json:"preview,omitempty"`     // and waits to be approved
	Before      standing          `json:"before"`                // what the deployment ran
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (frozen, place, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return f, place{}, google.OneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f); err != nil || f.Release == "" && c.Kind != driver.Reject {
		return f, place{}, &google.InvalidError{Text: "the call was not prepared"}
	}
	at, err := placeOf(c.Changes[0].Target)
	return f, at, err
}

// draft is a call on its way through Prepare.
type draft struct {
	call     driver.Call
	change   driver.Change
	at       place
	seen     observed
	base     string // of the API
	findings []driver.Finding
}

func (p *draft) find(s driver.Severity, message, remedy string) {
	p.findings = append(p.findings, driver.Finding{Target: p.change.Target.Name, Severity: s, Message: message, Remedy: remedy})
}

func (p *draft) refuse(message, remedy string) { p.find(driver.Refuse, message, remedy) }

func (p *draft) refused() bool {
	return slices.ContainsFunc(p.findings, func(f driver.Finding) bool { return f.Severity == driver.Refuse })
}

// prepareDeploy finds the release's manifest and checks that the target takes it.
func (d *deploymentmanager) prepareDeploy(ctx context.Context, p *draft) (driver.Prepared, error) {
	p.checkForeign()
	id := p.change.Release.ID
	if p.seen.wholly(id) {
		return p.unchanged(), nil
	}
	from, err := d.origin(ctx, p, id)
	if err != nil {
		return driver.Prepared{}, err
	}
	if p.refused() {
		return p.stopped(), nil
	}
	if err := p.seen.free(); err != nil {
		return driver.Prepared{}, err
	}
	p.replaces()
	p.notes(from.manifest)
	return p.prepared(from, p.at.Preview)
}

// origin is the manifest that holds the release: the source's, as it runs or as
// it ran when the release was pinned, else one within the target's reach.
func (d *deploymentmanager) origin(ctx context.Context, p *draft, id string) (found, error) {
	if p.change.Source != nil {
		from, err := placeOf(*p.change.Source)
		if err != nil {
			return found{}, err
		}
		o, err := d.observe(ctx, from)
		if err != nil || o.current.Release == id {
			return found{from, o.manifest}, err
		}
		hit, ok, err := d.history(ctx, from, id)
		if ok || err != nil {
			return hit, err
		}
	}
	hit, err := d.search(ctx, p.at, id)
	if d.isNotFound(err) {
		p.refuse(fmt.Sprintf("no manifest holds %s any more", id), "promote what the source runs now")
		return found{}, nil
	}
	return hit, err
}

// prepareRollback finds the manifest of what stood before.
func (d *deploymentmanager) prepareRollback(ctx context.Context, p *draft) (driver.Prepared, error) {
	p.checkForeign()
	var baseline standing
	if len(p.change.Baseline) > 0 {
		if err := json.Unmarshal(p.change.Baseline, &baseline); err != nil {
			return driver.Prepared{}, &google.InvalidError{Text: fmt.Sprintf("the baseline: %v", err)}
		}
	}
	if baseline.Release == "" {
		p.refuse("nothing was deployed before the rollout: going back would mean to delete the deployment, which is never done", "promote another release, or delete the deployment by hand")
		return p.stopped(), nil
	}
	p.change.Release.ID = baseline.Release
	if p.seen.wholly(baseline.Release) {
		return p.unchanged(), nil
	}
	hit, ok, err := d.history(ctx, p.at, baseline.Release)
	if err != nil {
		return driver.Prepared{}, err
	}
	if !ok {
		p.refuse(fmt.Sprintf("the deployment has no manifest with %s any more", baseline.Release), "promote a release instead")
	}
	if p.refused() {
		return p.stopped(), nil
	}
	if err := p.seen.free(); err != nil {
		return driver.Prepared{}, err
	}
	p.replaces()
	return p.prepared(hit, false)
}

// checkForeign compares what runs with what our last effect left.
func (p *draft) checkForeign() {
	if len(p.change.Expected) == 0 || p.change.Options.Resolved {
		return
	}
	var expected standing
	if err := json.Unmarshal(p.change.Expected, &expected); err != nil || expected.Release != p.seen.current.Release {
		p.find(driver.Foreign, fmt.Sprintf("somebody else changed the deployment: it runs %s by manifest %s", p.seen.current.Release, p.seen.current.Manifest), "")
	}
}

// free is an error while an operation is at work on the deployment: nothing speaks
// against the call, but it has to wait.
func (o observed) free() error {
	if !o.working() {
		return nil
	}
	return &google.BusyError{Text: fmt.Sprintf("operation %s (%s) is at work on the deployment", o.newest.Name, o.newest.OperationType)}
}

// replaces says what will be replaced.
func (p *draft) replaces() {
	if p.seen.update.Release != "" {
		p.find(driver.Warn, fmt.Sprintf("manifest %s was previewed on the deployment, or failed there; it is replaced", p.seen.update.Manifest), "")
	}
}

// projectType is how a configuration names a type that a project provides:
// PROJECT/PROVIDER:TYPE, PROJECT/composite:TYPE.
var projectType = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^[\s-]*type:\s*['"]?([\w.-]+)/[\w.-]+:`) })

// ownTypes reports whether a text uses types of somebody's own project: Google's
// gcp-types are everywhere.
func ownTypes(text string) bool {
	return slices.ContainsFunc(projectType().FindAllStringSubmatch(text, -1), func(m []string) bool { return m[1] != "gcp-types" })
}

// notes say what is not promoted.
func (p *draft) notes(m *manifest) {
	if ownTypes(m.Config.Content) || slices.ContainsFunc(m.Imports, func(i importFile) bool { return ownTypes(i.Content) }) {
		p.find(driver.Note, "the configuration uses types of a project's own: type providers and composite types are not promoted and must exist already", "")
	}
	if len(p.change.Options.Annotations) > 0 {
		p.find(driver.Note, "Deployment Manager has no annotations: they are kept with the rollout alone", "")
	}
}

// prepared freezes a call that sends a manifest.
func (p *draft) prepared(from found, preview bool) (driver.Prepared, error) {
	f := frozen{
		Release: from.release(), Project: from.at.Project, Deployment: from.at.Deployment, Manifest: from.manifest.Name,
		Before: p.seen.current, Insert: p.seen.deployment == nil, Preview: preview,
		Description: p.change.Options.Description, Labels: maps.Clone(p.change.Options.Labels),
	}
	request := fmt.Sprintf("POST %sdeployments {name: %s, target: config and imports of %s}", p.at.global(), p.at.Deployment, from.name())
	if d := p.seen.deployment; d != nil {
		f.keep(d)
		request = fmt.Sprintf("PUT %s {fingerprint: %s, target: config and imports of %s}", p.at.deployment(), d.Fingerprint, from.name())
	}
	if preview {
		request += " as a preview"
	}
	return p.freeze(f, request)
}

// keep has an update leave the description and the labels that nobody changes.
func (f *frozen) keep(d *deployment) {
	f.Fingerprint = d.Fingerprint
	if f.Description == "" {
		f.Description = d.Description
	}
	labels := map[string]string{}
	for _, l := range d.Labels {
		labels[l.Key] = l.Value
	}
	maps.Copy(labels, f.Labels)
	f.Labels = labels
}

// freeze completes a call.
func (p *draft) freeze(f frozen, request string) (driver.Prepared, error) {
	out := p.stopped()
	data, err := json.Marshal(f)
	if err != nil {
		return out, err
	}
	if p.change.Release.ID != f.Release {
		p.change.Release = driver.Release{ID: f.Release}
	}
	out.Call.Data, out.Call.Changes = data, []driver.Change{p.change}
	out.After = map[string]json.RawMessage{p.change.Target.Name: standing{Release: f.Release}.json()}
	out.Requests = []string{request}
	out.Commands, err = p.byHand(f)
	return out, err
}

// stopped says what speaks against the call.
func (p *draft) stopped() driver.Prepared {
	name := p.change.Target.Name
	out := driver.Prepared{Call: p.call, Findings: p.findings, Before: map[string]json.RawMessage{name: p.seen.current.json()}}
	if p.seen.current.Release == "" {
		out.First = []string{name}
	}
	return out
}

// unchanged says that nothing is left to do.
func (p *draft) unchanged() driver.Prepared {
	out := p.stopped()
	out.After, out.Unchanged, out.Call.Changes = out.Before, []string{p.change.Target.Name}, nil
	return out
}

// prepareDecision checks that a preview of the release waits for a word.
func (p *draft) prepareDecision() (driver.Prepared, error) {
	if err := p.seen.free(); err != nil {
		return driver.Prepared{}, err
	}
	waiting := p.seen.update.Release
	switch id := p.change.Release.ID; {
	case waiting == "":
		p.refuse("no preview waits on the deployment", "")
	case id != "" && waiting != id:
		p.refuse(fmt.Sprintf("the preview on the deployment is of %s, not of %s: what is approved is what is deployed", waiting, id), "promote again")
	}
	if p.refused() {
		return p.stopped(), nil
	}
	f := frozen{Release: waiting, Fingerprint: p.seen.deployment.Fingerprint, Before: p.seen.current}
	f.keep(p.seen.deployment)
	if p.call.Kind == driver.Reject {
		return p.freeze(f, fmt.Sprintf("POST %s/cancelPreview {fingerprint: %s}", p.at.deployment(), f.Fingerprint))
	}
	return p.freeze(f, fmt.Sprintf("PUT %s {fingerprint: %s}", p.at.deployment(), f.Fingerprint))
}
