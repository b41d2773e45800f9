package entrecode

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sluice/stages/driver"
)

// kept is how an operation finds its deployment again.
type kept struct {
	Self       string `json:"self,omitempty"`
	Collection string `json:"collection,omitempty"` // the list that the deployment is in
}

// Begin implements driver.Driver: one POST with an empty body, as documented.
func (p *platform) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, err := frozenOf(c)
	if err != nil {
		return driver.Operation{}, err
	}
	u, err := p.client.restore(f.URL)
	if err != nil {
		return driver.Operation{}, err
	}
	at, err := configOf(c.Changes[0].Target)
	if err != nil {
		return driver.Operation{}, err
	}
	answer, err := p.client.do(ctx, http.MethodPost, u)
	if err != nil {
		return driver.Operation{}, err
	}
	d, err := created(answer)
	if err != nil {
		return driver.Operation{}, &unreadable{http.MethodPost, err}
	}
	if text := d.differs(f.BuildID, at); text != "" {
		return driver.Operation{}, &mismatch{"the answer is another deployment than was asked for: " + text}
	}
	return d.operation(c, f), nil
}

// created is the deployment that an answer to a creation shows.
func created(answer *resource) (deployment, error) {
	r, err := one(deploymentFamily(), "").believe(answer)
	if err != nil {
		return deployment{}, err
	}
	return deploymentOf(r)
}

// differs says in what the deployment is not the one that was asked for, as far
// as its answer tells; "" for nothing.
func (d deployment) differs(build string, at config) string {
	if id := d.id("buildID"); id != "" && id != build {
		return fmt.Sprintf("%s has build %s, not %s", d, id, build)
	}
	if id := d.id("platformID"); id != "" && id != at.PlatformID {
		return fmt.Sprintf("%s is of platform %s, not %s", d, id, at.PlatformID)
	}
	if ids := looseIDs(d.fields["targetIDs"]); len(ids) > 0 && !sameSet(ids, at.TargetIDs) {
		return fmt.Sprintf("%s goes to targets %v, not %v", d, ids, at.TargetIDs)
	}
	return ""
}

func sameSet(a, b []string) bool { return covers(a, b) && covers(b, a) }

// operation is the deployment as the operation of its call. A success is open
// still: that it stands is read back by [platform.Poll].
func (d deployment) operation(c driver.Call, f frozen) driver.Operation {
	op := driver.Operation{
		ID:       looseID(d.fields["deploymentID"]),
		Kind:     string(c.Kind),
		Status:   driver.Running,
		User:     d.creator(),
		Inserted: d.started,
		Started:  d.started,
		Ended:    d.finished,
	}
	op.Link, op.Data = d.links()
	change := c.Changes[0]
	result := driver.Result{Outcome: driver.Open, Release: d.release(change.Release, f.BuildID), Events: d.history(), Data: d.results()}
	switch d.status {
	case statusError:
		op.Status, result.Outcome, result.Errors = driver.Done, driver.Failed, d.errors()
	case statusSuccess, statusRunning:
	default:
		op.Warnings = []driver.Problem{{
			Code: "unknown-status", Location: d.String(),
			Message: fmt.Sprintf("the platform says %q, which this version does not know: it counts as running, never as success", d.status),
		}}
	}
	op.Results = map[string]driver.Result{change.Target.Name: result}
	return op
}

// release is the build that the deployment carries, with what is known of it.
func (d deployment) release(known driver.Release, build string) driver.Release {
	r := driver.Release{ID: build, Platform: looseID(d.fields["deploymentID"])}
	if known.ID == build {
		r.CreateTime, r.Comment = known.CreateTime, known.Comment
	}
	return r
}

// links are the deployment's address, for people, and what an operation keeps.
func (d deployment) links() (self string, data json.RawMessage) {
	var k kept
	if u := d.linkTo("self"); u != nil {
		self, k.Self = u.Redacted(), saved(d.url, u)
	}
	if u := d.linkTo("collection"); u != nil {
		k.Collection = saved(d.url, u)
	}
	data, err := json.Marshal(k)
	if err != nil { // strings always marshal
		return self, nil
	}
	return self, data
}

// linkTo is where a relation leads, nil where there is none.
func (d deployment) linkTo(rel string) *url.URL {
	l, ok := d.one(rel)
	if !ok {
		return nil
	}
	u, err := d.address(l, nil)
	if err != nil {
		return nil
	}
	return u
}

// Poll implements driver.Driver.
func (p *platform) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if op.Finished() {
		return op, 0, nil
	}
	f, err := frozenOf(op.Call)
	if err != nil {
		return op, 0, err
	}
	v := p.session()
	d, err := v.again(ctx, op)
	if err != nil {
		return op, 0, err
	}
	next := d.operation(op.Call, f)
	next.Call = op.Call
	if d.status == statusSuccess {
		err = v.readBack(ctx, d, &next, f)
	}
	if err != nil {
		return op, 0, err
	}
	return next, 0, nil
}

// again reads the operation's deployment: by its own link, and where that
// leads nowhere, in the collection it is in.
func (v *session) again(ctx context.Context, op driver.Operation) (deployment, error) {
	var k kept
	_ = json.Unmarshal(op.Data, &k) // without links the deployment is looked for
	if k.Self != "" {
		r, err := v.at(ctx, k.Self, one(deploymentFamily(), op.ID))
		if err == nil {
			return deploymentOf(r)
		}
		if !isNotFound(err) {
			return deployment{}, err
		}
	}
	all, err := v.neighbours(ctx, op, k)
	if err != nil {
		return deployment{}, err
	}
	i := slices.IndexFunc(all, func(d deployment) bool { return looseID(d.fields["deploymentID"]) == op.ID })
	if i < 0 {
		return deployment{}, &missing{what: "deployment", id: op.ID, remedy: "it went with its platform: see what stands, then deploy again"}
	}
	return all[i], nil
}

// neighbours are the deployments among which the operation's is, newest first.
func (v *session) neighbours(ctx context.Context, op driver.Operation, k kept) ([]deployment, error) {
	if k.Collection != "" {
		c, err := configOf(op.Call.Changes[0].Target)
		if err != nil {
			return nil, err
		}
		first, err := v.at(ctx, k.Collection, listOf(deploymentFamily()))
		if err != nil {
			return nil, err
		}
		return v.collect(ctx, c.PlatformID, first, nil)
	}
	at, err := v.place(ctx, op.Call.Changes[0].Target)
	if err != nil {
		return nil, err
	}
	return v.deployments(ctx, at)
}

// at reads a saved link, which the client holds to the entry point's host as
// it does every other.
func (v *session) at(ctx context.Context, link string, w wanted) (*resource, error) {
	u, err := v.client.restore(link)
	if err != nil {
		return nil, err
	}
	return v.get(ctx, u, w)
}
