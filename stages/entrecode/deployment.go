package entrecode

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
)

// The values of a deployment's or a build's "successful". Any other one is
// not known to be success, and is never taken for it.
const (
	statusSuccess = "success"
	statusError   = "error"
	statusRunning = "running"
)

// pageSize is how many deployments a page should have. Each embeds its events.
const pageSize = "100"

// deployment is one of a platform's deployments. Build and targets are not
// always inlined: see [session.build] and [session.targets].
type deployment struct {
	*resource
	number   int64
	status   string
	started  time.Time
	finished time.Time
}

func deploymentOf(r *resource) (deployment, error) {
	raw := r.fields["deploymentID"]
	number, err := strconv.ParseInt(looseID(raw), 10, 64)
	if err != nil {
		return deployment{}, doubted("a deployment's deploymentID is no number but %q", looseText(raw))
	}
	status, err := statusOf(r)
	if err == nil && status == "" {
		err = doubted("deployment %d says neither that it runs nor how it ended", number)
	}
	if err != nil {
		return deployment{}, err
	}
	return deployment{
		resource: r,
		number:   number,
		status:   status,
		started:  looseTime(r.fields["started"]),
		finished: looseTime(r.fields["finished"]),
	}, nil
}

// final reports whether the platform has ended the deployment. A status that
// nobody knows is not final: what it means is not guessed at.
func (d deployment) final() bool { return d.status == statusSuccess || d.status == statusError }

// String names the deployment in messages.
func (d deployment) String() string { return "deployment " + strconv.FormatInt(d.number, 10) }

// results are what the target plugins reported, in one line; nil for nothing.
func (d deployment) results() json.RawMessage {
	if text := compact(d.fields["results"]); text != "" {
		return json.RawMessage(text)
	}
	return nil
}

// creator is who started the deployment, "" where it is not said.
func (d deployment) creator() string {
	var who struct{ Email, AccountID string }
	if json.Unmarshal(d.fields["creator"], &who) == nil {
		return cmp.Or(who.Email, who.AccountID)
	}
	var name string
	_ = json.Unmarshal(d.fields["creator"], &name) // absent or of another shape: not said
	return name
}

// listing is the address of a platform's deployments, page by page.
func (p *place) listing() (*url.URL, func(int) *url.URL, error) {
	r := p.platform
	if l, ok := r.one("ec:app/deployments/options"); ok && l.names("platformID") {
		page := func(n int) *url.URL {
			values := map[string][]string{"platformID": {p.PlatformID}, "size": {pageSize}}
			if n > 1 {
				if !l.names("page") {
					return nil
				}
				values["page"] = []string{strconv.Itoa(n)}
			}
			u, err := r.address(l, values)
			if err != nil {
				return nil
			}
			return u
		}
		if u := page(1); u != nil {
			return u, page, nil
		}
	}
	l, ok := r.one("ec:app/deployments")
	if !ok {
		return nil, nil, p.noDeployments()
	}
	u, err := r.address(l, map[string][]string{"platformID": {p.PlatformID}})
	if err != nil {
		return nil, nil, err
	}
	return withQuery(u, "platformID", p.PlatformID), nil, nil
}

func (p *place) noDeployments() error {
	return &missing{
		what: "relation ec:app/deployments", where: "platform " + p.PlatformID, unsure: true,
		remedy: "give the account of " + tokenVariable + " the right to the platform's deployments",
	}
}

// withQuery adds a query parameter that the interface documents, unless the
// link brings it already.
func withQuery(u *url.URL, key, value string) *url.URL {
	query := u.Query()
	if query.Has(key) {
		return u
	}
	next := *u
	query.Set(key, value)
	next.RawQuery = query.Encode()
	return &next
}

// deployments are all of the platform's, newest first. The list's own order
// means nothing.
func (v *session) deployments(ctx context.Context, p *place) ([]deployment, error) {
	u, further, err := p.listing()
	if err != nil {
		return nil, err
	}
	first, err := v.get(ctx, u, listOf(deploymentFamily()))
	if err != nil {
		return nil, err
	}
	return v.collect(ctx, p.PlatformID, first, further)
}

// collect reads a list of a platform's deployments to its end and sorts it.
func (v *session) collect(ctx context.Context, platformID string, first *resource, further func(int) *url.URL) ([]deployment, error) {
	var all []deployment
	for page, err := range v.pages(ctx, first, deploymentFamily(), further) {
		if err != nil {
			return nil, err
		}
		for _, item := range page.items("ec:app/deployment") {
			d, err := deploymentOf(item)
			if err != nil {
				return nil, err
			}
			if id := d.id("platformID"); id != "" && id != platformID {
				return nil, doubted("%s of platform %s in the list of platform %s", d, id, platformID)
			}
			all = append(all, d)
		}
	}
	newer := newestFirst(all)
	sort.Slice(all, func(i, j int) bool { return newer(all[i], all[j]) < 0 })
	return all, nil
}

// newestFirst orders deployments by when they started, and by their numbers
// where times are equal, or where not all of them can be read.
func newestFirst(all []deployment) func(a, b deployment) int {
	timed := !slices.ContainsFunc(all, func(d deployment) bool { return d.started.IsZero() })
	return func(a, b deployment) int {
		if timed && !a.started.Equal(b.started) {
			return b.started.Compare(a.started)
		}
		return cmp.Compare(b.number, a.number)
	}
}

// watermark is the newest that a list of deployments had.
type watermark struct {
	Number  int64     `json:"number"`
	Started time.Time `json:"started,omitzero"`
}

func markOf(all []deployment) watermark {
	var w watermark
	for _, d := range all {
		w.Number = max(w.Number, d.number)
		if d.started.After(w.Started) {
			w.Started = d.started
		}
	}
	return w
}

// before reports whether d came after the list that w was taken of.
func (w watermark) before(d deployment) bool {
	return d.number > w.Number || d.started.After(w.Started)
}

// has doubts a list of deployments that lacks one that was seen before:
// deployments cannot be deleted.
func has(all []deployment, number int64) error {
	if number == 0 || slices.ContainsFunc(all, func(d deployment) bool { return d.number == number }) {
		return nil
	}
	return doubted("the list of deployments lacks deployment %d, which was there before", number)
}

// goesTo are the ids of the targets of a deployment.
func (v *session) goesTo(ctx context.Context, d deployment) ([]string, error) {
	ids, err := v.targets(ctx, d.resource)
	if err == nil && len(ids) == 0 {
		err = doubted("%s names no targets", d)
	}
	return ids, err
}

// targets are the ids of the targets of a deployment or a platform; none where
// it does not say.
func (v *session) targets(ctx context.Context, r *resource) ([]string, error) {
	if ids := looseIDs(r.fields["targetIDs"]); len(ids) > 0 {
		return ids, nil
	}
	var ids []string
	for _, item := range r.items("ec:app/target") {
		target, err := one(targetFamily(), "").believe(item)
		if err != nil {
			return nil, err
		}
		ids = append(ids, target.id("targetID"))
	}
	if len(ids) > 0 {
		return ids, nil
	}
	for _, l := range r.related("ec:app/target") {
		target, err := v.follow(ctx, r, l, nil, one(targetFamily(), ""))
		switch {
		case isNotFound(err):
			ids = append(ids, "") // deleted: one that nobody asks for
		case err != nil:
			return nil, err
		default:
			ids = append(ids, target.id("targetID"))
		}
	}
	return ids, nil
}

// build is the id of the build of a deployment and the build itself. Where the
// id is inlined the build may be nil: it can be deleted.
func (v *session) build(ctx context.Context, d deployment) (string, *resource, error) {
	id := d.id("buildID")
	build, err := v.linkedBuild(ctx, d, one(buildFamily(), id))
	switch {
	case isNotFound(err) && id == "":
		return "", nil, &missing{what: "build", where: d.String(), remedy: "it was deleted: promote another build", err: err}
	case isNotFound(err):
		return id, nil, nil
	case err != nil:
		return "", nil, err
	case build == nil && id == "":
		return "", nil, doubted("%s names no build", d)
	case build == nil:
		return id, nil, nil
	default:
		return build.id("buildID"), build, nil
	}
}

// linkedBuild is the build that a deployment embeds or links; nil where it does
// neither.
func (v *session) linkedBuild(ctx context.Context, d deployment, w wanted) (*resource, error) {
	if items := d.items("ec:app/build"); len(items) > 0 {
		return w.believe(items[0])
	}
	l, ok := d.one("ec:app/build")
	if !ok {
		return nil, nil
	}
	return v.follow(ctx, d.resource, l, nil, w)
}

// buildID is the id of a deployment's build, read no further than it must be.
func (v *session) buildID(ctx context.Context, d deployment) (string, error) {
	if id := d.id("buildID"); id != "" {
		return id, nil
	}
	id, _, err := v.build(ctx, d)
	return id, err
}
