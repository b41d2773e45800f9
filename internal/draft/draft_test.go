package draft_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/draft"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// moon is a platform that splits traffic.
func moon() driver.Facts {
	return driver.Facts{
		Platform: "moon", Kinds: []driver.Kind{driver.Deploy, driver.Weight, driver.Stable},
		Keys: []driver.Key{
			{Name: "base", Type: driver.String, Required: true, Identity: true, Doc: "The base."},
			{Name: "crater", Type: driver.String, Identity: true, Doc: "The crater."},
			{Name: "pads", Type: driver.StringList, Doc: "The pads."},
		},
	}
}

// place is base, or base/crater.
func place(name string) driver.Place {
	base, crater, _ := strings.Cut(name, "/")
	config, _ := json.Marshal(map[string]string{"base": base, "crater": crater})
	if crater != "" {
		name = crater
	}
	return driver.Place{Name: name, Config: config}
}

func places(names ...string) []driver.Place {
	var list []driver.Place
	for _, n := range names {
		list = append(list, place(n))
	}
	return list
}

// told is a draft in one line: stages and their targets, with components.
func told(d draft.Draft) string {
	var stages []string
	for _, s := range d.Stages {
		var targets []string
		for _, t := range s.Targets {
			text := t.Name
			if t.Component != "" {
				text += ":" + t.Component
			}
			if t.From != "" {
				text += "<" + t.From
			}
			targets = append(targets, text)
		}
		stages = append(stages, s.Name+"("+strings.Join(targets, " ")+")")
	}
	return strings.Join(stages, " ")
}

func ordered(stages ...string) driver.Existing {
	found := driver.Existing{Name: "shop", Ordered: true}
	for _, s := range stages {
		stage, names, _ := strings.Cut(s, "=")
		for name := range strings.SplitSeq(names, ",") {
			p := place(name)
			p.Stage = stage
			found.Places = append(found.Places, p)
		}
	}
	return found
}

// TestArrangement: which stages and chains are made of what was found.
func TestArrangement(t *testing.T) {
	tests := []struct {
		name  string
		found []driver.Existing
		want  string
	}{
		{"names speak", []driver.Existing{{Places: places("web", "web-staging", "web-dev")}}, "development(web-dev) staging(web-staging) production(web)"},
		{"short words", []driver.Existing{{Places: places("web-prd", "stg-web", "qa-web", "uat-web")}}, "qa(qa-web) staging(stg-web) uat(uat-web) production(web-prd)"},
		{"components", []driver.Existing{{Places: places("api", "api-staging", "web", "web-staging")}}, "staging(api-staging:api web-staging:web) production(api:api web:web)"},
		{"a component begins later", []driver.Existing{{Places: places("api", "web", "web-staging")}}, "staging(web-staging:web) production(api:api web:web)"},
		{"nothing speaks", []driver.Existing{{Places: places("api", "web")}}, "production(api:api web:web)"},
		{"one thing", []driver.Existing{{Name: "shop", One: true, Places: places("prod", "dev", "beta")}}, "development(shop-dev) beta(shop-beta) production(shop-prod)"},
		{"the words' order", []driver.Existing{{Name: "a", Places: places("a")}, {Name: "b", Places: places("b")}}, "stage-1(a) stage-2(b)"},
		{"keys speak", []driver.Existing{{Places: places("shop/web")}, {Places: places("shop-staging/web")}}, "staging(web) production(web-2)"},
		{"the platform's order", []driver.Existing{ordered("production=p", "canary=c")}, "production(p) canary(c)"},
		{"one source for several", []driver.Existing{ordered("staging=shop-staging", "production=shop-eu,shop-us")}, "staging(shop-staging) production(shop-eu shop-us)"},
		{"each has its source", []driver.Existing{ordered("staging=api-staging,web-staging", "production=api,web-eu,web-us")}, "staging(api-staging:api web-staging:web) production(api:api web-eu:web web-us:web)"},
		{"several sources", []driver.Existing{ordered("staging=web-staging,web-stg", "production=web")}, "staging(web-staging web-stg) production(web<web-staging)"},
		{"a gap", []driver.Existing{ordered("dev=api-dev,web-dev", "staging=web-staging", "production=api,web")}, "dev(web-dev:web) staging(web-staging:web) production(api:api web:web)"},
		{"names twice", []driver.Existing{{Places: places("a/web-prod", "b/web-prod")}}, "production(web-prod web-prod-2)"},
		{"names that are none", []driver.Existing{{Places: places("1 Größe!", "日本")}}, "production(gr-e:gr-e target:app)"},
	}
	for _, tt := range tests {
		var sources []draft.Source
		for i, f := range tt.found {
			sources = append(sources, draft.Source{What: fmt.Sprint(i), Found: f})
		}
		d, err := draft.Of(moon(), sources)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := told(d); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		parsed(t, tt.name, d)
	}
}

// parsed holds a draft's file to validate's rules.
func parsed(t *testing.T, name string, d draft.Draft) *pipeline.Pipeline {
	t.Helper()
	text := d.File("sluice init moon " + name)
	p, problems := pipeline.Parse("sluice.yaml", text, []driver.Facts{moon()})
	if p == nil {
		t.Fatalf("%s: %s\n%s", name, pipeline.Format(problems), text)
	}
	return p
}

// TestNothing: what cannot be a target is told, and is none.
func TestNothing(t *testing.T) {
	_, err := draft.Of(moon(), []draft.Source{{Found: driver.Existing{Places: []driver.Place{{Name: "dark side", Note: "it has no pads"}}}}})
	if err == nil || !strings.Contains(err.Error(), "dark side is left out: it has no pads") {
		t.Errorf("%v", err)
	}
	d, err := draft.Of(moon(), []draft.Source{{Found: driver.Existing{Places: append(places("web"), driver.Place{Name: "dark side", Note: "it has no pads"})}}})
	if err != nil || !strings.Contains(string(d.File("")), "# Note: dark side is left out: it has no pads\n") {
		t.Errorf("%v\n%s", err, d.File(""))
	}
}

// TestHostile: what a platform says cannot leave its comment or its value.
func TestHostile(t *testing.T) {
	const bad = "x\nstages: []\r\u2028# \x1b[31m'\"${{ secrets.A }}"
	for _, value := range []string{strings.TrimSuffix(bad, "${{ secrets.A }}"), "true", "0x10", "1e5", "on", "- a", "a: b", "", "~", "null", "2026-01-01", "@x", "`", "a #b"} {
		config, err := json.Marshal(map[string]any{"base": value, "pads": []string{value, "ok"}})
		if err != nil {
			t.Fatal(err)
		}
		found := driver.Existing{Name: bad, Places: []driver.Place{{Name: bad, Config: config, Note: bad}, {Name: bad, Note: bad}}}
		d, err := draft.Of(moon(), []draft.Source{{What: bad, Found: found}})
		if err != nil {
			t.Fatal(err)
		}
		text := d.File("sluice init " + bad)
		p, problems := pipeline.Parse("sluice.yaml", text, []driver.Facts{moon()})
		if value == "" {
			continue // a key that must not be empty
		}
		if p == nil {
			t.Fatalf("%q: %s\n%s", value, pipeline.Format(problems), text)
		}
		var have struct {
			Base string
			Pads []string
		}
		for target := range p.All() {
			if err := json.Unmarshal(target.Config, &have); err != nil || have.Base != value || !slices.Equal(have.Pads, []string{value, "ok"}) {
				t.Errorf("%q became %q, %q (%v)", value, have.Base, have.Pads, err)
			}
		}
		if len(p.Stages) != 1 {
			t.Errorf("%q: %d stages", value, len(p.Stages))
		}
	}
}

// TestWorkflows: the example workflows are fitted, and still are what examples have in
// the lines that are changed.
func TestWorkflows(t *testing.T) {
	facts := moon()
	for _, login := range []driver.Login{
		{},
		{Secrets: []string{"MOON_KEY"}},
		{Steps: "- uses: moon/login@1\n  with: {role: \"${{ vars.MOON }}\"}\n", IDToken: true, Variables: []string{"MOON"}},
	} {
		facts.Login = login
		d, err := draft.Of(facts, []draft.Source{{Found: driver.Existing{Places: places("web", "web-dev", "web-staging")}}})
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Workflows("deploy/it's.yaml")
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for _, w := range list {
			texts[w.Name] = string(w.Text)
		}
		run, promote := texts["run.yml"], texts["promote.yml"]
		if strings.Contains(run, "AWS_") || strings.Contains(run, "HEROKU") || strings.Contains(run, "SLACK") {
			t.Errorf("%+v: credentials of others:\n%s", login, run)
		}
		if want := len(login.Secrets) > 0; strings.Contains(run, "MOON_KEY: ${{ secrets.MOON_KEY }}") != want || strings.Contains(run, "\n    env:\n") != want || strings.Contains(run, "\n    secrets:\n") != want {
			t.Errorf("%+v: secrets:\n%s", login, run)
		}
		if strings.Contains(run, "      - uses: moon/login@1\n        with: {role:") != (login.Steps != "") || strings.Contains(promote, "id-token: write}") != login.IDToken {
			t.Errorf("%+v: the way to credentials:\n%s\n%s", login, run, promote)
		}
		if !strings.Contains(run, "file: ${{ inputs.file || 'deploy/it''s.yaml' }}") {
			t.Errorf("the pipeline file is not named:\n%s", run)
		}
		if !strings.Contains(promote, "options: [development, staging, production], default: staging") {
			t.Errorf("the stages are not those of the file:\n%s", promote)
		}
		if back := texts["back.yml"]; !strings.Contains(back, "options: [production, staging, development], default: production") {
			t.Errorf("the way back begins elsewhere:\n%s", back)
		}
	}
}
