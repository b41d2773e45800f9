package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/pipeline"
)

// fan is a pipeline whose releases go to two stages side by side, and from both of
// them to one.
const fan = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, alpha: {id: d}}]
  - name: eu
    targets: [{name: web-eu, alpha: {id: e}}]
  - name: us
    after: [dev]
    targets: [{name: web-east, alpha: {id: ue}}, {name: web-west, alpha: {id: uw}}]
  - name: world
    after: [eu, us]
    targets: [{name: web, alpha: {id: w}}]
  - name: lab
    after: []
    targets: [{name: web-lab, alpha: {id: l}}]
`

func TestGraph(t *testing.T) {
	p := parse(t, fan)
	stage := func(name string) *pipeline.Stage {
		s, err := p.Stage(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, want := range map[string]string{"dev": "/eu us", "eu": "dev/world", "us": "dev/world", "world": "eu us/", "lab": "/"} {
		got := strings.Join(pipeline.StageNames(p.Previous(stage(name))), " ") + "/" + strings.Join(pipeline.StageNames(p.Next(stage(name))), " ")
		if got != want {
			t.Errorf("around %s are %s, want %s", name, got, want)
		}
	}
	for pair, want := range map[[2]string]bool{
		{"dev", "world"}: true, {"us", "world"}: true, {"world", "dev"}: false, {"eu", "us"}: false, {"us", "eu"}: false, {"dev", "dev"}: false, {"dev", "lab"}: false,
	} {
		if got := p.Before(stage(pair[0]), stage(pair[1])); got != want {
			t.Errorf("%s before %s: %t", pair[0], pair[1], got)
		}
	}
}

// A release that comes from one of several stages before has to run on the others'
// targets too.
func TestSourceOfSeveral(t *testing.T) {
	p := parse(t, fan)
	web, err := p.Target("web")
	if err != nil {
		t.Fatal(err)
	}
	source, err := p.Source(web)
	if err != nil || source.Name.Value != "web-eu" {
		t.Fatalf("the source is %v (%v)", source, err)
	}
	if got := targetNames(p.Beside(web, source)); !slices.Equal(got, []string{"web-east", "web-west"}) {
		t.Errorf("beside it are %v", got)
	}
	named := parse(t, strings.Replace(fan, "{name: web, alpha", "{name: web, from: web-west, alpha", 1))
	if web, err = named.Target("web"); err != nil {
		t.Fatal(err)
	}
	if source, err = named.Source(web); err != nil || source.Name.Value != "web-west" {
		t.Fatalf("the source is %v (%v)", source, err)
	}
	if got := targetNames(named.Beside(web, source)); !slices.Equal(got, []string{"web-eu"}) {
		t.Errorf("beside it are %v", got)
	}
}
