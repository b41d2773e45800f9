package pipeline_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones are there wherever they run

	"sluice/pipeline"
	"sluice/stages/driver"
)

// facts are of two platforms that exist in tests alone: alpha splits traffic,
// beta owns its rollouts and has every type of key.
func facts() []driver.Facts {
	return []driver.Facts{
		{
			Platform: "alpha",
			Kinds:    []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Rollback},
			Keys:     []driver.Key{{Name: "id", Type: driver.String, Required: true, Identity: true, Pattern: "[a-z]+", Hint: "lower-case letters"}},
		},
		{
			Platform: "beta",
			Remote:   true,
			Kinds:    []driver.Kind{driver.Deploy},
			Keys: []driver.Key{
				{Name: "id", Type: driver.String, Required: true, Identity: true},
				{Name: "places", Type: driver.StringList, Identity: true, Pattern: "a|bc"},
				{Name: "fast", Type: driver.Bool},
			},
		},
	}
}

// parse parses a file that has no mistakes.
func parse(t *testing.T, src string) *pipeline.Pipeline {
	t.Helper()
	p, problems := pipeline.Parse("test.yaml", []byte(src), facts())
	if p == nil {
		t.Fatalf("does not parse:\n%s", pipeline.Format(problems))
	}
	return p
}

// refused parses a file that has mistakes and returns them, one per line.
func refused(t *testing.T, src string) string {
	t.Helper()
	p, problems := pipeline.Parse("test.yaml", []byte(src), facts())
	if p != nil || len(problems) == 0 {
		t.Fatalf("parses:\n%s", src)
	}
	var b strings.Builder
	for _, problem := range problems {
		b.WriteString(problem.String() + "\n")
	}
	return b.String()
}

// at reads a time for people.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// chain is a pipeline of two components over three stages. web fans out at the end.
const chain = `
name: shop
stages:
  - name: dev
    targets:
      - {name: web-dev, component: web, alpha: {id: wd}}
      - {name: api-dev, component: api, beta: {id: ad}}
  - name: staging
    targets:
      - {name: web-eu, component: web, alpha: {id: we}}
      - {name: web-us, component: web, alpha: {id: wu}}
      - {name: api-staging, component: api, beta: {id: as}}
  - name: production
    targets:
      - {name: web, component: web, from: web-us, alpha: {id: w}}
      - {name: api, component: api, beta: {id: a, places: [a, bc], fast: true}}
`
