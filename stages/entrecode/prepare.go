package entrecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sluice/internal/transport"
	"sluice/stages/driver"
)

// frozen is what Prepare leaves in the call for Begin and Lookup.
type frozen struct {
	URL     string    `json:"url"` // where the deployment is created, on the entry point's host
	BuildID string    `json:"buildID"`
	Mark    watermark `json:"watermark"`
}

func frozenOf(c driver.Call) (frozen, error) {
	var f frozen
	if err := json.Unmarshal(c.Data, &f); err != nil || f.URL == "" || len(c.Changes) != 1 {
		return f, &invalid{"the call was not prepared by this driver"}
	}
	return f, nil
}

// preparation collects what Prepare finds out about one change.
type preparation struct {
	*session
	call     driver.Call
	change   driver.Change
	at       *place
	source   *place // nil without a source
	stands   *standing
	build    string // what is to be deployed
	prepared driver.Prepared
}

// Prepare implements driver.Driver.
func (p *platform) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, &invalid{fmt.Sprintf("a deployment has one target of the pipeline, not %d", len(c.Changes))}
	}
	prep := &preparation{session: p.session(), call: c, change: c.Changes[0], prepared: driver.Prepared{Call: c}}
	if err := prep.locate(ctx); err != nil {
		return driver.Prepared{}, err
	}
	prep.wanted()
	for _, step := range []func(context.Context) error{prep.checkBuild, prep.checkApp, prep.checkTargets} {
		if err := step(ctx); err != nil {
			return driver.Prepared{}, err
		}
	}
	prep.compare()
	return prep.freeze()
}

// locate finds the target's platform, the source's, and what stands.
func (p *preparation) locate(ctx context.Context) (err error) {
	if p.at, err = p.place(ctx, p.change.Target); err != nil {
		return err
	}
	if p.change.Source != nil {
		if p.source, err = p.place(ctx, *p.change.Source); err != nil {
			return err
		}
	}
	p.stands, err = p.stand(ctx, p.at)
	return err
}

// wanted decides which build is to be deployed.
func (p *preparation) wanted() {
	p.build = p.change.Release.ID
	if p.call.Kind == driver.Rollback {
		p.build = buildOf(p.change.Baseline)
		if p.build == "" {
			p.find(driver.Refuse, "nothing ran on "+p.at.where()+" before the rollout: there is no build to go back to",
				"deploy a build that is known to be good")
		}
		return
	}
	if p.build == "" {
		from := "the source"
		if p.source != nil {
			from = p.source.where()
		}
		p.find(driver.Refuse, "nothing was ever deployed successfully to "+from+": there is no build to promote",
			"deploy to it first, or name a build with --release")
	}
}

// checkBuild reads the build: it must exist, be within reach and be a success.
func (p *preparation) checkBuild(ctx context.Context) error {
	if p.build == "" {
		return nil
	}
	places := []*place{p.at}
	if p.source != nil {
		places = []*place{p.source, p.at}
	}
	build, err := p.findBuild(ctx, p.build, places...)
	if gone, ok := errors.AsType[*missing](err); ok {
		p.find(driver.Refuse, gone.Error(), "it was deleted or belongs to another app: promote another build")
		return nil
	}
	if err != nil {
		return err
	}
	severity, why, err := judge(p.build, build)
	if err != nil {
		return err
	}
	if severity != "" {
		p.find(severity, why, "")
	}
	return p.checkOrigin(ctx, build)
}

// checkOrigin compares the platform that a build was made for with the one it
// goes to.
func (p *preparation) checkOrigin(ctx context.Context, build *resource) error {
	l, ok := build.one("ec:app/platform")
	if !ok {
		return nil
	}
	made, err := p.follow(ctx, build, l, nil, one(platformFamily(), ""))
	if isNotFound(err) {
		return nil // it was deleted since; the build was not
	}
	if err != nil {
		return err
	}
	forType, here := looseText(made.fields["platformType"]), looseText(p.at.platform.fields["platformType"])
	if forType != here {
		p.find(driver.Warn, fmt.Sprintf("build %s was made for a platform of type %q and goes to one of type %q", p.build, forType, here), "")
	}
	return nil
}

// checkApp refuses what crosses from app to app: nothing is shared between them.
func (p *preparation) checkApp(ctx context.Context) error {
	if p.source != nil && p.source.AppID != p.at.AppID {
		p.find(driver.Refuse, fmt.Sprintf("the source belongs to app %s and the target to app %s, and apps share no builds", p.source.AppID, p.at.AppID),
			"promote within one app")
	}
	l, ok := p.at.platform.one("ec:app")
	if !ok {
		return nil
	}
	if self, ok := p.at.app.one("self"); ok && self.Href == l.Href {
		return nil
	}
	app, err := p.follow(ctx, p.at.platform, l, nil, one(appFamily(), ""))
	if err == nil && app.id("appID") != p.at.AppID {
		// It may be a wrong answer: what is asked twice and said twice is said.
		app, err = (&session{client: p.client, seen: map[string]*resource{}}).follow(ctx, p.at.platform, l, nil, one(appFamily(), app.id("appID")))
	}
	if err != nil {
		return err
	}
	if id := app.id("appID"); id != p.at.AppID {
		p.find(driver.Refuse, fmt.Sprintf("platform %s belongs to app %s, not to %s", p.at.PlatformID, id, p.at.AppID), "correct appID or platformID")
	}
	return nil
}

// checkTargets refuses targets that the platform does not have, as far as it
// tells.
func (p *preparation) checkTargets(ctx context.Context) error {
	has, err := p.targets(ctx, p.at.platform)
	if answer, ok := errors.AsType[*problem](err); ok && answer.classify() == driver.Denied {
		p.find(driver.Note, "whether the platform has the targets could not be checked: "+answer.Error(), "")
		return nil
	}
	if err != nil || covers(has, p.at.TargetIDs) {
		return err
	}
	wrong := slices.DeleteFunc(slices.Clone(p.at.TargetIDs), func(id string) bool { return slices.Contains(has, id) })
	p.find(driver.Refuse, fmt.Sprintf("platform %s has no target %s; it has %s", p.at.PlatformID, strings.Join(wrong, ", "), strings.Join(has, ", ")),
		"correct targetIDs")
	return nil
}

// compare looks at what stands: whether it is what our last effect left, and
// whether anything is left to do.
func (p *preparation) compare() {
	s, name := p.stands, p.change.Target.Name
	if expected := buildOf(p.change.Expected); expected != "" && expected != s.build && !p.change.Options.Resolved {
		p.find(driver.Foreign, fmt.Sprintf("%s runs build %q, and the rollout left build %q there", p.at.where(), s.build, expected),
			"find out who deployed it")
	}
	for _, d := range s.open {
		p.find(driver.Warn, fmt.Sprintf("%s to these targets is %s and may end after this one", d, openWord(d)), "")
	}
	for _, d := range s.partial {
		p.find(driver.Warn, fmt.Sprintf("%s went to some of these targets only: they do not all run the same build", d), "")
	}
	if s.current == nil {
		p.prepared.First = []string{name}
	}
	if s.settled() && s.build == p.build && p.build != "" {
		p.prepared.Unchanged = []string{name}
	}
}

// openWord says how an unfinished deployment stands.
func openWord(d deployment) string {
	if d.status == statusRunning {
		return "still running"
	}
	return fmt.Sprintf("%q, which this version does not know,", d.status)
}

// freeze completes the call.
func (p *preparation) freeze() (driver.Prepared, error) {
	out, name := &p.prepared, p.change.Target.Name
	out.Before = map[string]json.RawMessage{name: p.at.snapshot(p.stands.build)}
	out.After = map[string]json.RawMessage{name: p.at.snapshot(p.build)}
	if len(out.Unchanged) > 0 {
		out.Call.Changes = nil
		return *out, nil
	}
	if p.build == "" {
		return *out, nil // refused
	}
	u, err := p.at.creation(p.build)
	if err != nil {
		return driver.Prepared{}, err
	}
	if !transport.SameHost(u, p.client.entry) {
		return driver.Prepared{}, &offHostError{u.Redacted(), p.client.entry.Redacted()}
	}
	out.Call.Data, err = json.Marshal(frozen{URL: saved(p.client.entry, u), BuildID: p.build, Mark: p.stands.mark})
	out.Requests = []string{http.MethodPost + " " + u.Redacted()}
	out.Commands = []string{`curl -sSf -X POST -H "Authorization: Bearer $` + tokenVariable + `" ` + driver.Shell(u.Redacted())}
	return *out, err
}

func (p *preparation) find(severity driver.Severity, message, remedy string) {
	p.prepared.Findings = append(p.prepared.Findings, driver.Finding{
		Target: p.change.Target.Name, Severity: severity, Message: message, Remedy: remedy,
	})
}

// creation is where a deployment of a build to the place is created: the list
// of deployments with the documented query. A template is used where it names
// what must be said; the interface has seen two names for the targets.
func (p *place) creation(build string) (*url.URL, error) {
	r := p.platform
	values := map[string][]string{
		"platformID": {p.PlatformID}, "buildID": {build},
		"targetID": p.TargetIDs, "targetIDs": p.TargetIDs,
	}
	for _, rel := range []string{"ec:app/deployments/options", "ec:app/deployments"} {
		l, ok := r.one(rel)
		if ok && l.names("buildID") && (l.names("targetID") || l.names("targetIDs")) {
			return r.address(l, values)
		}
	}
	l, ok := r.one("ec:app/deployments")
	if !ok {
		return nil, p.noDeployments()
	}
	u, err := r.address(l, values)
	if err != nil {
		return nil, err
	}
	u = withQuery(withQuery(u, "platformID", p.PlatformID), "buildID", build)
	return withQuery(u, "targetID", strings.Join(p.TargetIDs, ",")), nil
}
