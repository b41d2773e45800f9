package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestHerokuReleasePhase: of one target, the official CLI and Sluice both show
// what its release phase printed.
func TestHerokuReleasePhase(t *testing.T) {
	t.Parallel()
	needProgram(t, "heroku")
	const file = "testdata/heroku/sluice.yaml"
	official := newAccount(t, file)
	told := official.heroku(t, "pipelines:promote", "--app", "storefront-staging", "--to", "storefront")
	if !strings.Contains(told, "Migrations: done.") || !strings.Contains(told, "Promotion successful") {
		t.Errorf("heroku pipelines:promote shows no release phase:\n%s", told)
	}
	ours := newAccount(t, file)
	told = ours.sluice(t, "promote", "--to", "production", "--file", absolute(t, file), "--store", "file:"+t.TempDir())
	if !strings.Contains(told, "Migrations: done.") {
		t.Errorf("sluice promote shows no release phase:\n%s", told)
	}
	want, got := official.promotions(t), ours.promotions(t)
	if len(want) != 1 || len(got) != 1 || want[0].source != got[0].source || strings.Join(want[0].targets, " ") != strings.Join(got[0].targets, " ") {
		t.Errorf("the official CLI sent %v, Sluice %v", want, got)
	}
}

// TestHerokuAmbiguousPipeline: two owners' pipelines of one name. The official
// CLI asks which; the API answers 300 with the candidates.
func TestHerokuAmbiguousPipeline(t *testing.T) {
	t.Parallel()
	needProgram(t, "heroku")
	a := newAccount(t, "testdata/heroku/sluice.yaml")
	request := func(method, path, body string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, a.env["HEROKU_HOST"]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
		req.Header.Set("Authorization", "Bearer any")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := request("POST", "/pipelines", `{"name": "storefront", "owner": {"id": "another-owner", "type": "user"}}`); got != http.StatusCreated {
		t.Fatalf("a second pipeline: %d", got)
	}
	if got := request("GET", "/pipelines/storefront", ""); got != http.StatusMultipleChoices {
		t.Errorf("by its name: %d, want 300", got)
	}
	out, err := a.run(t, "heroku", "pipelines:info", "storefront")
	if err == nil || !strings.Contains(out, "Which storefront pipeline?") {
		t.Errorf("heroku pipelines:info: %v, want it to ask which\n%s", err, out)
	}
}
