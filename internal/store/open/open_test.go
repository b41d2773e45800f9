package open_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store"
	"sluice/internal/store/open"
)

var web = store.Key{Pipeline: "storefront", Target: "web"}

func spec(t *testing.T, name string, env map[string]string) (open.Spec, *strings.Builder) {
	t.Helper()
	getenv := func(name string) string { return env[name] }
	log := &strings.Builder{}
	return open.Spec{Store: name, Runner: actions.New(getenv, log), Getenv: getenv}, log
}

func TestNamesOfStores(t *testing.T) {
	github := map[string]string{"GITHUB_REPOSITORY": "octocat/shop", "GITHUB_TOKEN": "ghs_token", "AWS_SECRET_ACCESS_KEY": "aws-secret-value"}
	dir := filepath.Join(t.TempDir(), "state")
	for name, want := range map[string]store.Facts{
		"file:" + dir:     {Name: "file:" + dir, Swap: true},
		"git":             {Name: "git", Swap: true, Atomic: true, Identity: true, Together: true},
		"s3://acme/state": {Name: "s3://acme/state", Swap: true, Identity: true},
	} {
		spec, _ := spec(t, name, github)
		s, err := open.Open(spec)
		if err != nil || s.Facts() != want {
			t.Errorf("%s: %v, want %+v", name, err, want)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening made the directory: %v", err)
	}
}

func TestArtifactInActions(t *testing.T) {
	server := artifacttest.New()
	getenv := server.Getenv(artifacttest.Run{ID: 7})
	s, err := open.Open(open.Spec{Store: "artifact", Runner: actions.New(getenv, t.Output()), Getenv: getenv, Transport: server.Transport()})
	if err != nil || s.Facts() != (store.Facts{Name: "artifact", Atomic: true, Identity: true, Together: true}) {
		t.Errorf("%v", err)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("opening sent %d requests", n)
	}
}

// TestGitIsOpenedLazily also shows that the address comes from the
// environment.
func TestGitIsOpenedLazily(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if strings.Contains(r.URL.Path, "/commits/") {
			http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte("[]"))
	}))
	t.Cleanup(server.Close)
	spec, log := spec(t, "git", map[string]string{"GITHUB_REPOSITORY": "octocat/shop", "GITHUB_TOKEN": "ghs_token", "GITHUB_API_URL": server.URL})
	s, err := open.Open(spec)
	if err != nil || requests.Load() != 0 {
		t.Fatalf("%d requests, %v", requests.Load(), err)
	}
	entries, err := s.Load(t.Context(), web)
	if err != nil || entries[0].Version != "" || requests.Load() != 3 {
		t.Errorf("%+v, %d requests, %v", entries, requests.Load(), err)
	}
	if log.Len() != 0 {
		t.Errorf("wrote %q outside Actions", log)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	inside := map[string]string{"GITHUB_ACTIONS": "true"}
	damaged := maps.Clone(inside)
	damaged["GITHUB_RUN_ID"] = "x"
	cases := map[string]struct {
		store string
		env   map[string]string
		want  string
	}{
		"artifact outside":      {"artifact", nil, "use --store file:DIR here"},
		"artifact in a run":     {"artifact", inside, "run steps do not"},
		"git without a repo":    {"git", nil, "set GITHUB_REPOSITORY=owner/name"},
		"a damaged environment": {"git", damaged, "GITHUB_RUN_ID"},
	}
	for name, c := range cases {
		spec, _ := spec(t, c.store, c.env)
		if _, err := open.Open(spec); !store.IsUnreadable(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want unreadable with %q", name, err, c.want)
		}
	}
}

func TestWrongNames(t *testing.T) {
	env := map[string]string{"GITHUB_REPOSITORY": "octocat/shop"}
	for _, name := range []string{"", "files", "file:", "s3://", "s3://UPPER", "artifacts", "git:branch"} {
		spec, _ := spec(t, name, env)
		_, err := open.Open(spec)
		if wrong, ok := errors.AsType[*open.Error](err); !ok || wrong.Store != name {
			t.Errorf("%q: error %v, want an *open.Error", name, err)
		}
	}
	spec, _ := spec(t, "git", env)
	spec.Branch = "a..b"
	if _, err := open.Open(spec); err == nil || !strings.Contains(err.Error(), "state.branch") {
		t.Errorf("branch: %v", err)
	}
}

func TestSecretsOfS3AreMasked(t *testing.T) {
	spec, log := spec(t, "s3://acme/state", map[string]string{"GITHUB_ACTIONS": "true", "AWS_SECRET_ACCESS_KEY": "aws-secret-value"})
	if _, err := open.Open(spec); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); got != "::add-mask::aws-secret-value\n" {
		t.Errorf("wrote %q", got)
	}
}
