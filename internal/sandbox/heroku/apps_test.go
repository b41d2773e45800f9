package heroku_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestApps(t *testing.T) {
	c := serve(t, two(t))
	if all := ok[[]thing](c, "GET", "/apps", nil, "Range", "name ..; max=2"); fmt.Sprint(all[0].Name, all[1].Name) != "storefront-eustorefront-staging" || len(all) != 2 {
		t.Errorf("apps %+v", all)
	}
	body := map[string]any{"in": map[string]any{"id": []string{c.app("storefront-us").ID, "nowhere"}}}
	if found := ok[[]thing](c, "POST", "/filters/apps", body, "Accept", accept+".filters"); len(found) != 1 || found[0].Name != "storefront-us" {
		t.Errorf("filtered %+v", found)
	}
	if who := ok[map[string]string](c, "GET", "/account", nil); who["email"] == "" {
		t.Errorf("account %v", who)
	}
}

func TestConfigVarsMakeAReleaseOfTheSameSlug(t *testing.T) {
	c := serve(t, two(t))
	before := ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil)
	vars := ok[map[string]string](c, "PATCH", "/apps/storefront-eu/config-vars", map[string]any{"LEVEL": "debug", "APP_ENV": nil})
	if fmt.Sprint(vars) != "map[LEVEL:debug]" || fmt.Sprint(ok[map[string]string](c, "GET", "/apps/storefront-eu/config-vars", nil)) != fmt.Sprint(vars) {
		t.Errorf("config vars %v", vars)
	}
	after := ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil)
	if len(after) != len(before)+1 || after[2].Slug.ID != before[1].Slug.ID {
		t.Errorf("releases %+v", after)
	}
}

// What sets nothing makes no release, and breaks nothing.
func TestNoConfigVars(t *testing.T) {
	c := serve(t, two(t))
	before := ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil)
	if vars := ok[map[string]string](c, "PATCH", "/apps/storefront-eu/config-vars", map[string]any{}); len(vars) == 0 {
		t.Error("the app lost its config vars")
	}
	if after := ok[[]releaseOf](c, "GET", "/apps/storefront-eu/releases", nil); len(after) != len(before) {
		t.Errorf("releases %+v", after)
	}
}

func TestBuildpacksAndStack(t *testing.T) {
	c := serve(t, two(t))
	body := map[string]any{"updates": []any{map[string]string{"buildpack": "heroku/ruby"}, map[string]string{"buildpack": "heroku/go"}}}
	ok[any](c, "PUT", "/apps/storefront-eu/buildpack-installations", body)
	packs := ok[[]struct {
		Ordinal   int
		Buildpack thing
	}](c, "GET", "/apps/storefront-eu/buildpack-installations", nil)
	if len(packs) != 2 || packs[1].Ordinal != 1 || packs[1].Buildpack.Name != "heroku/go" {
		t.Errorf("buildpacks %+v", packs)
	}
	type stacks struct {
		Stack thing
		Build thing `json:"build_stack"`
	}
	if s := ok[stacks](c, "PATCH", "/apps/storefront-eu", map[string]string{"build_stack": "container"}); s.Stack.Name != "heroku-24" || s.Build.Name != "container" {
		t.Errorf("before the next release %+v", s)
	}
	slug := ok[thing](c, "POST", "/apps/storefront-eu/slugs", map[string]any{"process_types": map[string]string{}})
	ok[releaseOf](c, "POST", "/apps/storefront-eu/releases", map[string]string{"slug": slug.ID})
	if s := ok[stacks](c, "GET", "/apps/storefront-eu", nil); s.Stack.Name != "container" {
		t.Errorf("after it %+v", s)
	}
}

func TestReleases(t *testing.T) {
	c := serve(t, two(t))
	slug := ok[thing](c, "POST", "/apps/storefront-eu/slugs", map[string]any{"process_types": map[string]string{"web": "start"}})
	made := ok[releaseOf](c, "POST", "/apps/storefront-us/releases", map[string]string{"slug": slug.ID, "description": "by hand"})
	if made.Version != 3 || made.Status != "succeeded" || !made.Current || made.Description != "by hand" || made.Output != nil {
		t.Errorf("released %+v", made)
	}
	ok[thing](c, "GET", "/apps/storefront-us/slugs/"+slug.ID, nil) // it has had it
	c.refused(404, "not_found", "GET", "/apps/storefront-staging/slugs/"+slug.ID, nil)

	second := ok[releaseOf](c, "GET", "/apps/storefront-us/releases/2", nil)
	back := ok[releaseOf](c, "POST", "/apps/storefront-us/releases", map[string]string{"release": second.ID})
	if back.Version != 4 || back.Description != "Rollback to v2" || back.Slug.ID != second.Slug.ID || back.Status != "pending" {
		t.Errorf("rolled back %+v", back)
	}
	for _, want := range []string{"pending", "succeeded"} {
		if r := ok[releaseOf](c, "GET", "/apps/storefront-us/releases/"+back.ID, nil); r.Status != want {
			t.Errorf("it is %s, want %s", r.Status, want)
		}
	}
	if got, want := fmt.Sprint(c.server.Effects()), "[{heroku [eu] other} {heroku [us] deploy} {heroku [us] rollback}]"; got != want {
		t.Errorf("effects %s, want %s", got, want)
	}
}

func TestLatestReleases(t *testing.T) {
	c := serve(t, two(t), "us:deploy:fail")
	ok[promotionOf](c, "POST", "/pipeline-promotions", c.promotion("storefront-us"))
	p := ok[thing](c, "GET", "/pipelines/storefront", nil)
	var said []string
	for range 2 {
		said = nil
		for _, r := range ok[[]releaseOf](c, "GET", "/pipelines/"+p.ID+"/latest-releases", nil) {
			said = append(said, fmt.Sprintf("%s v%d %s", r.App.Name, r.Version, r.Status))
		}
	}
	if got := strings.Join(said, ", "); !strings.Contains(got, "storefront-us v3 failed") || !strings.Contains(got, "storefront-eu v2 succeeded") || len(said) != 3 {
		t.Errorf("latest: %s", got)
	}
}

func TestCouplingsMove(t *testing.T) {
	c := serve(t, two(t))
	one := ok[couplingOf](c, "GET", "/apps/storefront-eu/pipeline-couplings", nil)
	if moved := ok[couplingOf](c, "PATCH", "/pipeline-couplings/"+one.ID, map[string]string{"stage": "staging"}); moved.Stage != "staging" {
		t.Errorf("moved %+v", moved)
	}
	c.refused(422, "invalid_params", "PATCH", "/pipeline-couplings/"+one.ID, map[string]string{"stage": "canary"})
	ok[couplingOf](c, "DELETE", "/pipeline-couplings/"+one.ID, nil)
	c.refused(404, "not_found", "DELETE", "/pipeline-couplings/"+one.ID, nil)
	c.refused(404, "not_found", "PATCH", "/pipeline-couplings/"+one.ID, map[string]string{"stage": "staging"})
}
