package inframanager

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// deed is what a call does at the platform.
type deed string

const (
	apply   deed = "apply"   // update the deployment with the blueprint
	propose deed = "preview" // make a preview of it
	drop    deed = "drop"    // delete the preview
)

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data. It names the
// revision whose values are kept; they may be long and secret, and stay on the
// platform, where a revision never changes.
type frozen struct {
	Do      deed     `json:"do"`
	Release string   `json:"release"`
	Kept    string   `json:"kept,omitempty"`    // the revision whose blueprint is sent with the release as its source; "" for the deployment's own
	Latest  int      `json:"latest"`            // the number of the newest revision; -1 for none
	Preview string   `json:"preview,omitempty"` // the id of the preview that is made or deleted
	Request string   `json:"request"`           // the request's id
	Before  standing `json:"before"`            // what the deployment ran
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (frozen, place, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return f, place{}, google.OneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f); err != nil || f.Do == "" || f.Release == "" {
		return f, place{}, &google.InvalidError{Text: "the call was not prepared"}
	}
	at, err := placeOf(c.Changes[0].Target)
	return f, at, err
}

// previewID is what a preview of a release on a deployment is called as long as
// the newest revision stays the same: whoever looks for it needs nothing else.
func previewID(at place, release string, latest int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", at.resource(), release, latest))
	return previewPrefix + hex.EncodeToString(sum[:10])
}

const previewPrefix = "sluice-"

// requestID is the same for every attempt at a call, and a UUID as the API wants it.
func requestID(at place, key string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(at.resource()+"\n"+key)).String()
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

// prepareDeploy checks that the target takes the release.
func (d *inframanager) prepareDeploy(ctx context.Context, p *draft) (driver.Prepared, error) {
	p.checkForeign()
	p.checkState()
	s, ok := parseSource(p.change.Release.ID)
	if !ok {
		p.refuse(fmt.Sprintf("%q is no blueprint's source", p.change.Release.ID), "promote what another stage runs, or name a source: --release gs://BUCKET/OBJECT#GENERATION")
		return p.stopped(), nil
	}
	p.checkSource(s)
	if p.seen.wholly() && p.seen.standing().Release == s.String() {
		return p.unchanged(), nil
	}
	if p.refused() {
		return p.stopped(), nil
	}
	if err := d.busy(ctx, p.at, p.seen.deployment); err != nil {
		return driver.Prepared{}, err
	}
	p.notes()
	f := frozen{Do: apply, Release: s.String(), Kept: p.seen.standing().Revision}
	if p.at.Preview {
		f.Do, f.Preview = propose, previewID(p.at, f.Release, p.seen.latest())
	}
	return p.freeze(f)
}

// prepareRollback finds the revision of what stood before.
func (d *inframanager) prepareRollback(ctx context.Context, p *draft) (driver.Prepared, error) {
	p.checkForeign()
	p.checkState()
	var baseline standing
	if len(p.change.Baseline) > 0 {
		if err := json.Unmarshal(p.change.Baseline, &baseline); err != nil {
			return driver.Prepared{}, &google.InvalidError{Text: fmt.Sprintf("the baseline: %v", err)}
		}
	}
	if baseline.Release == "" {
		p.refuse("nothing was applied before the rollout: going back would mean to delete what was made, which is never done", "promote another release, or delete the deployment by hand")
		return p.stopped(), nil
	}
	from, err := d.earlier(ctx, p.at, p.seen.deployment, baseline)
	if err != nil {
		return driver.Prepared{}, err
	}
	if from == nil {
		p.refuse(fmt.Sprintf("the deployment has no revision with %s any more", baseline.Release), "promote a release instead")
		return p.stopped(), nil
	}
	p.change.Release.ID = baseline.Release
	if p.seen.wholly() && p.seen.current.Blueprint.same(from.Blueprint) {
		return p.unchanged(), nil
	}
	if s, ok := parseSource(baseline.Release); ok {
		p.checkSource(s)
	}
	if p.refused() {
		return p.stopped(), nil
	}
	if err := d.busy(ctx, p.at, p.seen.deployment); err != nil {
		return driver.Prepared{}, err
	}
	return p.freeze(frozen{Do: apply, Release: baseline.Release, Kept: from.id()})
}

// earlier is the revision that a rollback applies again, nil where there is none.
func (d *inframanager) earlier(ctx context.Context, at place, dep *deployment, was standing) (*revision, error) {
	if was.Revision == "" {
		return d.history(ctx, at, dep, was.Release)
	}
	r, err := d.revision(ctx, at, was.Revision)
	switch {
	case google.IsStatus(err, http.StatusNotFound):
		return nil, nil
	case err == nil && r.release() != was.Release:
		return nil, google.NoAnswer("the revision to go back to", "%s holds %s, and a revision that held %s never changes", was.Revision, r.release(), was.Release)
	}
	return r, err
}

// wholly reports whether what runs is all that was asked for last.
func (o observed) wholly() bool {
	return o.deployment.State == active && o.current != nil && o.current == o.newest
}

// checkForeign compares what runs with what our last effect left.
func (p *draft) checkForeign() {
	if len(p.change.Expected) == 0 || p.change.Options.Resolved {
		return
	}
	var expected standing
	stands := p.seen.standing()
	if err := json.Unmarshal(p.change.Expected, &expected); err != nil || expected.Release != stands.Release {
		p.find(driver.Foreign, fmt.Sprintf("somebody else changed the deployment: it runs %s by revision %s", stands.Release, stands.Revision), "")
	}
}

// checkState refuses a deployment that takes no update any more.
func (p *draft) checkState() {
	if s := p.seen.deployment.State; s == suspended || s == deleted {
		p.refuse("the deployment is "+s, "see `gcloud infra-manager deployments describe` why")
	}
}

// checkSource says what may have become of a source meanwhile.
func (p *draft) checkSource(s source) {
	if why := s.loose(); why != "" {
		p.find(driver.Warn, fmt.Sprintf("%s may hold something else by now: %s", s, why), "promote an object with its generation, a commit or a tag")
	}
	if s.staged() {
		p.find(driver.Warn, "gcloud staged the source itself, and deletes it with a later `gcloud infra-manager deployments apply`", "upload blueprints to a bucket of your own, and apply them with --gcs-source")
	}
}

// notes say what is not promoted, and what stands there.
func (p *draft) notes() {
	o := p.seen
	if o.deployment.State == failed && o.current != nil && o.newest != o.current {
		p.find(driver.Warn, fmt.Sprintf("revision %s failed on the deployment: what it runs may be part %s and part of that", o.newest.id(), o.current.id()), "")
	}
	if o.current != nil && !o.current.Blueprint.same(o.deployment.Blueprint) {
		p.find(driver.Note, fmt.Sprintf("the deployment was asked for another blueprint than it runs: the values of revision %s are kept, which was applied last", o.current.id()), "")
	}
	if options := p.change.Options; options.Description != "" || len(options.Labels)+len(options.Annotations) > 0 {
		p.find(driver.Note, "description, labels and annotations are kept with the rollout alone: a deployment's own stay as they are", "")
	}
}

// freeze completes a call.
func (p *draft) freeze(f frozen) (driver.Prepared, error) {
	out := p.stopped()
	f.Latest, f.Before, f.Request = p.seen.latest(), p.seen.standing(), requestID(p.at, p.call.Key)
	data, err := json.Marshal(f)
	if err != nil {
		return out, err
	}
	if p.change.Release.ID != f.Release {
		p.change.Release = driver.Release{ID: f.Release}
	}
	out.Call.Data, out.Call.Changes = data, []driver.Change{p.change}
	after := standing{Release: f.Release}
	if f.Do != apply && p.call.Kind != driver.Deploy {
		after = f.Before
	}
	out.After = map[string]json.RawMessage{p.change.Target.Name: after.json()}
	out.Requests = []string{p.request(f)}
	out.Commands, err = p.byHand(f)
	return out, err
}

// stopped says what speaks against the call.
func (p *draft) stopped() driver.Prepared {
	name := p.change.Target.Name
	out := driver.Prepared{
		Call: p.call, Findings: p.findings,
		Before: map[string]json.RawMessage{name: p.seen.standing().json()}, Runs: map[string]driver.Release{name: p.seen.release()},
	}
	if p.seen.current == nil {
		out.First, out.Runs = []string{name}, nil
	}
	return out
}

// unchanged says that nothing is left to do.
func (p *draft) unchanged() driver.Prepared {
	out := p.stopped()
	out.After, out.Unchanged, out.Call.Changes = out.Before, []string{p.change.Target.Name}, nil
	return out
}
