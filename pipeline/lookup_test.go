package pipeline_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sluice/pipeline"
)

func TestLookups(t *testing.T) {
	p := parse(t, chain)
	staging, err := p.Stage("staging")
	if err != nil {
		t.Fatal(err)
	}
	if before, after := pipeline.StageNames(p.Previous(staging)), pipeline.StageNames(p.Next(staging)); !slices.Equal(before, []string{"dev"}) || !slices.Equal(after, []string{"production"}) {
		t.Errorf("around staging are %v and %v", before, after)
	}
	if len(p.Previous(p.Stages[0])) != 0 || len(p.Next(p.Stages[2])) != 0 {
		t.Error("the ends of the pipeline have neighbours")
	}
	if !p.Before(p.Stages[0], staging) || p.Before(staging, staging) || p.Before(p.Stages[2], staging) {
		t.Error("the order of stages is not that of the file")
	}
	if got := targetNames(staging.Of("web")); !slices.Equal(got, []string{"web-eu", "web-us"}) {
		t.Errorf("staging's targets of web are %v", got)
	}
	if got := staging.Of("x"); got != nil {
		t.Errorf("staging's targets of nothing are %v", targetNames(got))
	}
	if got := p.Components(); !slices.Equal(got, []string{"web", "api"}) {
		t.Errorf("components are %v", got)
	}
	for got, want := range map[error]string{
		second(p.Stage("stagin")):   `no stage is called "stagin" (did you mean "staging"?); the pipeline has dev, staging, production`,
		second(p.Target("x")):       `no target is called "x"; the pipeline has web-dev, api-dev, web-eu, web-us, api-staging, web, api`,
		second(p.Policy("freezer")): `no policy is called "freezer"; the pipeline has none`,
	} {
		if got == nil || got.Error() != want {
			t.Errorf("got %v\nwant %s", got, want)
		}
	}
}

func targetNames(targets []*pipeline.Target) []string {
	var names []string
	for _, t := range targets {
		names = append(names, t.Name.Value)
	}
	return names
}

func second[T any](_ T, err error) error { return err }

func TestSource(t *testing.T) {
	p := parse(t, chain)
	for name, want := range map[string]string{
		"web-dev": "", "api-dev": "", "web-eu": "web-dev", "web-us": "web-dev", "api-staging": "api-dev", "web": "web-us", "api": "api-staging",
	} {
		target, err := p.Target(name)
		if err != nil {
			t.Fatal(err)
		}
		source, err := p.Source(target)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := nameOf(source); got != want {
			t.Errorf("the source of %s is %q, want %q", name, got, want)
		}
	}
}

func nameOf(t *pipeline.Target) string {
	if t == nil {
		return ""
	}
	return t.Name.Value
}

// What a target has of its stage is merged, and its own wins.
func TestMerge(t *testing.T) {
	p := parse(t, `
name: shop
timeout: 3h
stages:
  - name: production
    operationTimeout: 2h
    strategy: {canary: {percentages: [10], wait: 1m}}
    verify:
      - {run: [once], scope: stage}
      - {run: [each]}
    targets:
      - {name: a, component: a, alpha: {id: a}}
      - {name: b, component: b, alpha: {id: b}, strategy: {}, verify: [], timeout: 1h}
`)
	stage := p.Stages[0]
	a, b := stage.Targets[0], stage.Targets[1]
	if len(stage.Verify) != 1 || stage.Verify[0].Run[0] != "once" || len(a.Verify) != 1 || a.Verify[0].Run[0] != "each" || len(b.Verify) != 0 {
		t.Errorf("checks are %v, %v, %v", stage.Verify, a.Verify, b.Verify)
	}
	if a.Canary == nil || b.Canary != nil {
		t.Errorf("canaries are %v, %v", a.Canary, b.Canary)
	}
	if a.Timeout.Hours() != 3 || b.Timeout.Hours() != 1 || a.OperationTimeout.Hours() != 2 {
		t.Errorf("timeouts are %v, %v, %v", a.Timeout, b.Timeout, a.OperationTimeout)
	}
	if got := len(slices.Collect(p.Checks())); got != 2 {
		t.Errorf("%d checks, want 2", got)
	}
}

func TestFind(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	for want, dir := range map[string]fstest.MapFS{
		"sluice.yaml":         {"sluice.yaml": file, ".github/sluice.yaml": file},
		".github/sluice.yaml": {".github/sluice.yaml": file, "sluice.yaml/x": file},
	} {
		if got, err := pipeline.Find(dir); got != want || err != nil {
			t.Errorf("found %q, %v; want %q", got, err, want)
		}
	}
	if _, err := pipeline.Find(fstest.MapFS{"sluice.yml": file}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), ".github/sluice.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"production", "staging", "dev"}
	for written, want := range map[string]string{
		"prodction": "production", "prod": "production", "Staging": "staging", "stagnig": "staging", "development": "dev", "de": "dev", "mars": "", "": "",
	} {
		if got := pipeline.Nearest(written, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", written, got, want)
		}
	}
}

func TestManyNamesAreCutShort(t *testing.T) {
	src := "name: shop\nstages:\n"
	for i := range 30 {
		src += fmt.Sprintf("  - {name: s%d, targets: [{name: t%d, beta: {id: t%d}}]}\n", i, i, i)
	}
	_, err := parse(t, src).Stage("zz")
	if err == nil || !strings.HasSuffix(err.Error(), "s18, s19 and 10 more") {
		t.Errorf("got %v", err)
	}
}

func TestPolicy(t *testing.T) {
	p := parse(t, windows("deny: {weekly: {}}"))
	if policy, err := p.Policy("p"); err != nil || policy.Name.Value != "p" {
		t.Errorf("got %v, %v", policy, err)
	}
	if _, err := p.Policy("pp"); err == nil || !strings.Contains(err.Error(), `did you mean "p"?`) {
		t.Errorf("got %v", err)
	}
}
