package inframanager

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// prepareWord prepares a person's word on a preview. There is no call that approves
// one: its blueprint is applied. Where another revision was applied meanwhile, the
// preview is not what would happen any more: a new one is made, which waits again.
func (d *inframanager) prepareWord(ctx context.Context, p *draft) (driver.Prepared, error) {
	s, ok := parseSource(p.change.Release.ID)
	if !ok {
		p.refuse("no preview waits on the deployment", "")
		return p.stopped(), nil
	}
	if err := d.busy(ctx, p.at, p.seen.deployment); err != nil && p.call.Kind == driver.Approve {
		return driver.Prepared{}, err
	}
	id := previewID(p.at, s.String(), p.seen.latest())
	shown, err := d.preview(ctx, p.at, id)
	if err != nil {
		return driver.Prepared{}, err
	}
	f := frozen{Do: apply, Release: s.String(), Kept: p.seen.standing().Revision, Preview: id}
	switch {
	case p.call.Kind == driver.Reject:
		return d.prepareDrop(ctx, p, f, shown)
	case shown == nil:
		f.Do = propose
		p.find(driver.Warn, "the preview does not show what would happen any more: it is made anew, and waits to be approved again", "")
		return p.freeze(f)
	}
	p.checkShown(shown, s)
	if p.refused() {
		return p.stopped(), nil
	}
	f.Preview = ""
	return p.freeze(f)
}

// checkShown refuses a preview of something else than would be applied.
func (p *draft) checkShown(shown *preview, s source) {
	kept := p.seen.deployment.Blueprint
	if p.seen.current != nil {
		kept = p.seen.current.Blueprint
	}
	want, err := kept.with(s)
	switch {
	case shown.State != previewReady:
		p.refuse(fmt.Sprintf("preview %s is %s", google.Last(shown.Name), shown.State), "reject it, and promote again")
	case err != nil || !shown.Blueprint.same(want):
		p.refuse(fmt.Sprintf("preview %s is of another blueprint: what is approved is what is deployed", google.Last(shown.Name)), "reject it, and promote again")
	}
}

// prepareDrop deletes the preview, or the one that it was made instead of.
func (d *inframanager) prepareDrop(ctx context.Context, p *draft, f frozen, shown *preview) (driver.Prepared, error) {
	if shown == nil {
		var err error
		if shown, err = d.outdated(ctx, p.at, f.Release); err != nil {
			return driver.Prepared{}, err
		}
	}
	if shown == nil {
		p.refuse("no preview waits on the deployment", "")
		return p.stopped(), nil
	}
	f.Do, f.Preview = drop, google.Last(shown.Name)
	return p.freeze(f)
}

// preview reads one of our previews, nil where it is not there.
func (d *inframanager) preview(ctx context.Context, at place, id string) (*preview, error) {
	shown, err := google.Decoded[preview](d.client.Get(ctx, at.preview(id)))
	switch {
	case google.IsStatus(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case !google.Named(shown.Deployment, at.deployment()):
		return nil, google.NoAnswer("the preview", "it is of %q", shown.Deployment)
	case shown.State == previewGone:
		return nil, nil
	}
	return shown, nil
}

// outdated is a preview of ours of a release that was made on an earlier revision;
// nil where there is none.
func (d *inframanager) outdated(ctx context.Context, at place, release string) (*preview, error) {
	all, err := google.List[*preview](ctx, d.client, at.location()+"/previews", "previews")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(o *preview) bool {
		s, err := o.Blueprint.source()
		id := google.Last(o.Name)
		return err == nil && s.String() == release && google.Named(o.Deployment, at.deployment()) && len(id) > len(previewPrefix) && id[:len(previewPrefix)] == previewPrefix
	})
	if i < 0 {
		return nil, nil
	}
	return all[i], nil
}
