package deploymentmanager

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"sync"

	"sluice/stages/google"
)

// validRelease is what a release is called.
var validRelease = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sha256:[0-9a-f]{64}$`) })

// releaseOf is the digest of a configuration and its imports:
//
//	sha256:HEX of "sluice.deploymentmanager/v1\n", then of the configuration,
//	then, in the order of their names, of each import's name and content;
//	each of these texts as its length in bytes, in decimal, "\n", its bytes, "\n"
//
// The order in which imports are listed means nothing to Deployment Manager, so
// it means nothing here.
func releaseOf(config configFile, imports []importFile) string {
	hash := sha256.New()
	hash.Write([]byte("sluice.deploymentmanager/v1\n"))
	write := func(text string) { hash.Write(fmt.Appendf(nil, "%d\n%s\n", len(text), text)) }
	write(config.Content)
	sorted := slices.Clone(imports)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Content, b.Content)) < 0
	})
	for _, file := range sorted {
		write(file.Name)
		write(file.Content)
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// found is a manifest and the deployment it belongs to.
type found struct {
	at       place
	manifest *manifest
}

// name is the manifest's resource name, as it is kept.
func (f found) name() string {
	return "projects/" + f.at.Project + "/global/deployments/" + f.at.Deployment + "/manifests/" + f.manifest.Name
}

func (f found) release() string { return releaseOf(f.manifest.Config, f.manifest.Imports) }

// manifest reads one manifest.
func (d *deploymentmanager) manifest(ctx context.Context, at place, name string) (found, error) {
	m, err := google.Decoded[manifest](d.client.Get(ctx, at.manifests()+"/"+name))
	return found{at, m}, err
}

// history finds a release among the manifests that a deployment ever had: the
// youngest that holds it.
func (d *deploymentmanager) history(ctx context.Context, at place, release string) (found, bool, error) {
	hit, _, err := d.youngest(ctx, at, release)
	return found{at, hit}, hit != nil, err
}

// youngest is the youngest manifest with a release, nil where there is none, and
// whether there is a deployment.
func (d *deploymentmanager) youngest(ctx context.Context, at place, release string) (hit *manifest, exists bool, err error) {
	seen := 0
	for page, wrong := range google.EachPage[*manifest](ctx, d.client, at.manifests(), "manifests", nil) {
		err = wrong
		seen += len(page)
		for _, m := range page {
			younger := hit == nil || google.Clock(hit.InsertTime).Before(google.Clock(m.InsertTime))
			if younger && releaseOf(m.Config, m.Imports) == release {
				hit = m
			}
		}
	}
	switch {
	case d.isNotFound(err):
		return nil, false, nil
	case err == nil && seen == 0:
		err = d.neverHadAny(ctx, at)
	}
	return hit, true, err
}

// neverHadAny checks an empty list of manifests against the deployment itself,
// which names what it runs and what it is given.
func (d *deploymentmanager) neverHadAny(ctx context.Context, at place) error {
	o, err := d.read(ctx, at)
	if err != nil || o.deployment == nil {
		return err
	}
	if name := cmp.Or(google.Last(o.deployment.Manifest), google.Last(o.deployment.Update.Manifest)); name != "" {
		return google.NoAnswer("the list of manifests", "it is empty, and deployment %s names %s", at.Deployment, name)
	}
	return nil
}

// search finds a release in the target's deployment, else in the others of its
// project.
func (d *deploymentmanager) search(ctx context.Context, at place, release string) (found, error) {
	hit, exists, err := d.youngest(ctx, at, release)
	if hit != nil || err != nil {
		return found{at, hit}, err
	}
	others, err := d.others(ctx, at, exists)
	if err != nil {
		return found{}, err
	}
	for _, name := range others {
		hit, ok, err := d.history(ctx, place{Project: at.Project, Deployment: name}, release)
		if ok || err != nil {
			return hit, err
		}
	}
	return found{}, &google.NotFoundError{Text: fmt.Sprintf("no deployment of project %s ever had a manifest with %s", at.Project, release)}
}

// others are the other deployments of the target's project. A list without the
// target's own, where it exists, is none.
func (d *deploymentmanager) others(ctx context.Context, at place, exists bool) ([]string, error) {
	var names []string
	for page, err := range google.EachPage[struct {
		Name string `json:"name"`
	}](ctx, d.client, at.global()+"deployments", "deployments", nil) {
		if err != nil {
			return nil, err
		}
		for _, one := range page {
			names = append(names, one.Name)
		}
	}
	if exists && !slices.Contains(names, at.Deployment) {
		return nil, google.NoAnswer("the list of deployments", "%s exists and is not in it", at.Deployment)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == at.Deployment }), nil
}
