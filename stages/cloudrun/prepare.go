package cloudrun

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"sluice/canary"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Before   stands `json:"before"`
	After    stands `json:"after"`
	Etag     string `json:"etag"`               // of the service as it was read
	Revision string `json:"revision,omitempty"` // to be made, by its short name
	Image    string `json:"image,omitempty"`    // of it, by digest
}

// Prepare reads the service and works out the traffic that the effect makes, and the
// revision where there is none of the release yet.
func (d *services) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, google.OneChange(c)
	}
	change := c.Changes[0]
	at, err := placeOf(change.Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	s, err := d.service(ctx, at)
	if err != nil {
		return driver.Prepared{}, err
	}
	p := &draft{services: d, change: change, at: at, service: s, stands: s.asked()}
	out := driver.Prepared{Call: c, Runs: map[string]driver.Release{}}
	if out.Before, err = byTarget(change, p.stands); err != nil {
		return out, err
	}
	if len(s.served().shares()) == 0 {
		out.First = []string{change.Target.Name}
		p.stands = s.served()
	} else if out.Runs[change.Target.Name], err = d.released(ctx, at, p.stands.shares()[0].revision); err != nil {
		return out, err
	}
	after, err := p.decide(c.Kind)
	switch {
	case err != nil:
		return out, err
	case p.stop != nil:
		out.Findings = []driver.Finding{*p.stop}
		return out, nil
	case after.same(p.stands) && s.settled() && len(out.First) == 0:
		out.Unchanged, out.After, out.Call.Changes = []string{change.Target.Name}, out.Before, nil
		return out, nil
	}
	return p.freeze(ctx, out, after)
}

// draft is a call in the making.
type draft struct {
	*services
	change  driver.Change
	at      place
	service service
	stands  stands
	stop    *driver.Finding
	notes   []driver.Finding
}

func (p *draft) refuse(message, remedy string) {
	p.stop = &driver.Finding{Target: p.change.Target.Name, Severity: driver.Refuse, Message: message, Remedy: remedy}
}

func (p *draft) foreign(message string) {
	p.stop = &driver.Finding{
		Target: p.change.Target.Name, Severity: driver.Foreign, Message: message,
		Remedy: "find out who; then retry-job goes on from what stands, ignore-job accepts it, rollback goes back",
	}
}

func (p *draft) note(format string, args ...any) {
	p.notes = append(p.notes, driver.Finding{Target: p.change.Target.Name, Severity: driver.Note, Message: fmt.Sprintf(format, args...)})
}

// decide works out what a kind makes of what stands.
func (p *draft) decide(kind driver.Kind) (stands, error) {
	named, ok := parse(p.change.Release.ID)
	if p.change.Release.ID != "" && (!ok || named.service != p.at.Service) {
		p.refuse(fmt.Sprintf("release %s is no revision of the target's service %s", p.change.Release.ID, p.at.Service), "name one of its revisions (--release)")
		return stands{}, nil
	}
	if kind == driver.Rollback {
		return p.restore()
	}
	w := canary.Want{Release: named.revision, Ours: len(p.change.Expected) > 0 || p.change.Options.Resolved}
	split, two := p.stands.split()
	if !two {
		p.refuse("more than two revisions share the traffic: "+p.stands.String(), "give it to one or two of them first (gcloud run services update-traffic)")
		return stands{}, nil
	}
	move, err := p.move(kind, &w)
	if err != nil || p.stop != nil {
		return stands{}, err
	}
	after, refused := move(split, w)
	switch {
	case refused != nil && refused.Foreign:
		p.foreign(refused.Message)
		return stands{}, nil
	case refused != nil:
		p.refuse(refused.Message, refused.Remedy)
		return stands{}, nil
	case after == split:
		return p.stands, nil
	}
	return p.stands.divided(sharesOf(after)...), p.changedMeanwhile()
}

// move is how a kind moves traffic, with the share that it gives.
func (p *draft) move(kind driver.Kind, w *canary.Want) (func(canary.Split, canary.Want) (canary.Split, *canary.Refusal), error) {
	switch kind {
	case driver.Deploy:
		return canary.Deploy, nil
	case driver.Stable:
		return canary.Promote, nil
	case driver.Weight:
		percent, err := canary.ParsePercent(p.change.Percent)
		if _, whole := strconv.Atoi(percent.String()); err != nil || whole != nil {
			p.refuse(fmt.Sprintf("Cloud Run splits traffic by whole percents, not %s", p.change.Percent), "")
		}
		w.Percent = percent
		return canary.Give, nil
	default:
		return nil, &google.UnsupportedError{Text: fmt.Sprintf("Cloud Run cannot %s", kind)}
	}
}

// sharesOf are a split's shares in whole percents.
func sharesOf(s canary.Split) []share {
	var all []share
	for _, h := range s.Shares() {
		percent, _ := strconv.Atoi(h.Percent.String()) //nolint:errcheck // both were whole
		all = append(all, share{h.Release, percent})
	}
	return all
}

// restore puts the traffic back as it was before the rollout, without a canary. LATEST
// comes back where it still means what it did.
func (p *draft) restore() (stands, error) {
	if len(p.change.Baseline) == 0 {
		p.refuse("what ran before this rollout was not recorded", "promote an earlier release by its id (--release)")
		return stands{}, nil
	}
	before, err := decode("the baseline", p.change.Baseline)
	if err != nil {
		return stands{}, err
	}
	shares := before.shares()
	if len(shares) == 0 {
		p.refuse("nothing ran before this rollout", "")
		return stands{}, nil
	}
	runs := shares[0].revision
	after := p.stands.divided(share{runs, 100})
	if before.Latest == runs && google.Last(p.service.Ready) == runs {
		after.Traffic[0], after.Latest = entry{Type: latest, Percent: 100}, runs
	} else if before.Latest == runs {
		p.note("the traffic followed LATEST, which means %s by now: it goes to revision %s by its name", google.Last(p.service.Ready), runs)
	}
	if after.same(p.stands) {
		return p.stands, nil
	}
	return after, p.changedMeanwhile()
}

// changedMeanwhile compares the traffic with what the rollout's last effect left.
func (p *draft) changedMeanwhile() error {
	if len(p.change.Expected) == 0 || p.change.Options.Resolved {
		return nil
	}
	expected, err := decode("what the rollout left", p.change.Expected)
	if err == nil && !expected.same(p.stands) {
		p.foreign(fmt.Sprintf("somebody else changed the traffic since this rollout did: it is %s, and was left at %s", p.stands, expected))
	}
	return err
}

// freeze completes the call with what it will send and make.
func (p *draft) freeze(ctx context.Context, out driver.Prepared, after stands) (driver.Prepared, error) {
	f := frozen{Before: p.stands, After: after, Etag: p.service.Etag}
	if p.stands.Latest != "" && after.Latest == "" {
		p.note("the traffic follows LATEST now, which is %s, and goes to revisions by name from here on: what is deployed past Sluice gets none until it is promoted", p.stands.Latest)
	}
	shares := after.shares()
	moved := shares[len(shares)-1].revision
	r, err := p.revision(ctx, p.at, moved)
	switch {
	case google.IsStatus(err, http.StatusNotFound):
		f.Revision, f.Image, err = p.makes(ctx, moved)
	case err == nil && r.failure() != "":
		p.refuse(fmt.Sprintf("revision %s cannot take traffic: %s", moved, r.failure()), "deploy one that starts")
	case err == nil:
		p.change.Release, err = p.called(r)
	}
	if err != nil {
		return out, err
	}
	if p.stop != nil {
		out.Findings = []driver.Finding{*p.stop}
		return out, nil
	}
	out.Findings = p.notes
	out.Call.Changes = []driver.Change{p.change}
	if out.Call.Data, err = json.Marshal(f); err != nil {
		return out, err
	}
	if out.After, err = byTarget(p.change, after); err != nil {
		return out, err
	}
	out.Requests, out.Commands = f.requests(p.at), f.commands(p.at)
	return out, nil
}

// called is the release of a revision: the change's own where it is that.
func (p *draft) called(r revision) (driver.Release, error) {
	release, err := r.release(p.at.Service)
	if release.ID == p.change.Release.ID {
		return p.change.Release, err
	}
	return release, err
}

// makes is the revision that has to be made: of the image that the source runs.
func (p *draft) makes(ctx context.Context, short string) (name, ref string, err error) {
	origin, named := parse(p.change.Release.Origin)
	wanted, _ := parse(p.change.Release.ID)
	if p.change.Source == nil || !named || wanted.revision != short {
		p.refuse(fmt.Sprintf("service %s has no revision %s", p.at.Service, short), "name one of its revisions (--release), or promote what another stage runs")
		return "", "", nil
	}
	from, err := placeOf(*p.change.Source)
	if err != nil {
		return "", "", err
	}
	r, err := p.revision(ctx, from, origin.revision)
	if err != nil {
		return "", "", err
	}
	if _, ref, err = image(r.Containers); err != nil {
		return "", "", google.NoAnswer("the revision "+origin.revision, "%w", err)
	}
	if digest(ref) != wanted.digest {
		return "", "", google.NoAnswer("the revision "+origin.revision, "its image is %s, and a revision that had %s never changes", ref, wanted.digest)
	}
	p.note("makes revision %s of the service's own template with the image %s; it gets no traffic before it is ready", short, ref)
	return short, ref, nil
}

func byTarget(change driver.Change, s stands) (map[string]json.RawMessage, error) {
	data, err := json.Marshal(s)
	return map[string]json.RawMessage{change.Target.Name: data}, err
}

func decode(what string, data json.RawMessage) (stands, error) {
	var s stands
	if err := json.Unmarshal(data, &s); err != nil {
		return s, &google.InvalidError{Text: fmt.Sprintf("%s is no traffic: %v", what, err)}
	}
	return s, nil
}
