package app_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/store/gitref"
)

// unread is a way in which state cannot be read, and what is said about it.
type unread struct {
	broken func(t *testing.T, w *world) map[string]string
	say    string
	slow   bool // requests are sent again for some seconds
}

// answers makes every store's server answer so.
func answers(status int, body string) func(*testing.T, *world) map[string]string {
	return func(_ *testing.T, w *world) map[string]string {
		w.breakStores(status, body)
		return nil
	}
}

// nowhere leads a store's requests to a host that there is not, or that takes
// no connection.
func nowhere(variable, address string) func(*testing.T, *world) map[string]string {
	return func(*testing.T, *world) map[string]string { return map[string]string{variable: address} }
}

const (
	noSuchHost = "https://sluice-state.invalid"
	refusing   = "http://127.0.0.1:1"
	denied     = `{"message": "Resource not accessible by integration"}`
	deniedXML  = `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`
)

// spoiled changes the stored record of target eu behind everybody's back.
func spoiled(change func(string) string) map[string]unread {
	edit := func(b []byte) []byte { return []byte(change(string(b))) }
	return map[string]unread{
		"file": {say: "state of shop/eu", broken: func(t *testing.T, w *world) map[string]string {
			path := filepath.Join(w.dir, "state", "shop", "eu.json")
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, edit(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			return nil
		}},
		"git": {say: "state of shop/eu", broken: func(_ *testing.T, w *world) map[string]string {
			w.git.Push(gitref.DefaultBranch, "shop/eu.json", change)
			return nil
		}},
		"s3": {say: "state of shop/eu", broken: func(_ *testing.T, w *world) map[string]string {
			w.bucket.Edit("teams/shop/eu.json", edit)
			return nil
		}},
		"artifact": {say: "state of shop: artifact", broken: func(_ *testing.T, w *world) map[string]string {
			for _, name := range w.artifacts.Live() {
				w.artifacts.Edit(name, func(a *artifacttest.Artifact) { a.Zip = edit(a.Zip) })
			}
			return nil
		}},
	}
}

func unreadable() map[string]map[string]unread {
	all := map[string]map[string]unread{
		"file": {
			"the folder is a file": {say: "cannot read state", broken: func(t *testing.T, w *world) map[string]string {
				if err := os.RemoveAll(filepath.Join(w.dir, "state", "shop")); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(w.dir, "state", "shop"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return nil
			}},
		},
		"git": {
			"401":          {broken: answers(401, `{"message": "Bad credentials"}`), say: "GITHUB_TOKEN is wrong or has expired"},
			"403":          {broken: answers(403, denied), say: "give the job permissions: {contents: write}"},
			"404":          {broken: answers(404, `{"message": "Not Found"}`), say: "give the job permissions: {contents: write}"},
			"500":          {broken: answers(500, "oops"), say: "GitHub is failing: run again later", slow: true},
			"503":          {broken: answers(503, ""), say: "GitHub is failing: run again later", slow: true},
			"garbage":      {broken: answers(200, "<html>hello</html>"), say: "cannot read state"},
			"half":         {broken: answers(200, `[{"ref": "refs/heads/slu`), say: "cannot read state"},
			"no such host": {broken: nowhere("GITHUB_API_URL", noSuchHost), say: "check the network and GITHUB_API_URL", slow: true},
			"refused":      {broken: nowhere("GITHUB_API_URL", refusing), say: "check the network and GITHUB_API_URL", slow: true},
			"no token":     {broken: nowhere("GITHUB_TOKEN", ""), say: "env: {GITHUB_TOKEN: ${{ github.token }}}"},
		},
		"s3": {
			"401":          {broken: answers(401, deniedXML), say: "they need s3:GetObject, s3:PutObject"},
			"403":          {broken: answers(403, deniedXML), say: "they need s3:GetObject, s3:PutObject"},
			"404":          {broken: answers(404, `<Error><Code>NoSuchBucket</Code></Error>`), say: "create the bucket"},
			"500":          {broken: answers(500, ""), say: "S3 is failing: run again later", slow: true},
			"503":          {broken: answers(503, ""), say: "S3 is failing: run again later", slow: true},
			"garbage":      {broken: answers(200, "<html>hello</html>"), say: "cannot read state"},
			"half":         {broken: answers(200, `{"sluice`), say: "cannot read state"},
			"no such host": {broken: nowhere("AWS_ENDPOINT_URL_S3", noSuchHost), say: "the network and the endpoint", slow: true},
			"refused":      {broken: nowhere("AWS_ENDPOINT_URL_S3", refusing), say: "the network and the endpoint", slow: true},
		},
		"artifact": {
			"401":                    {broken: answers(401, `{"msg": "unauthenticated"}`), say: "the artifact service did not answer"},
			"403":                    {broken: answers(403, `{"msg": "denied"}`), say: "the artifact service did not answer"},
			"500":                    {broken: answers(500, ""), say: "the artifact service did not answer", slow: true},
			"garbage":                {broken: answers(200, "<html>hello</html>"), say: "cannot read state", slow: true},
			"no such host":           {broken: nowhere("ACTIONS_RESULTS_URL", noSuchHost), say: "cannot read state", slow: true},
			"refused":                {broken: nowhere("ACTIONS_RESULTS_URL", refusing), say: "cannot read state", slow: true},
			"no permission":          {broken: nowhere("GITHUB_TOKEN", "ghs_weak"), say: "give the job permissions: {actions: read}"},
			"no token":               {broken: nowhere("GITHUB_TOKEN", ""), say: "actions: read"},
			"no runtime token":       {broken: nowhere("ACTIONS_RUNTIME_TOKEN", ""), say: "use sluice as an action"},
			"the REST API refused":   {broken: nowhere("GITHUB_API_URL", refusing), say: "check the network and GITHUB_API_URL", slow: true},
			"the REST API's garbage": {broken: rest(200, "<html>"), say: "cannot read state"},
			"the REST API's 500":     {broken: rest(500, ""), say: "GitHub is failing", slow: true},
		},
	}
	for what, change := range map[string]func(string) string{
		"record cut short": func(s string) string { return s[:len(s)/2] },
		"record emptied":   func(string) string { return "" },
		"record garbled":   func(string) string { return "<html>hello</html>" },
		"record altered":   func(s string) string { return strings.Replace(s, "e", "f", 40) },
	} {
		for name, u := range spoiled(change) {
			all[name][what] = u
		}
	}
	return all
}

// rest makes GitHub's REST API answer so, and nothing else.
func rest(status int, body string) func(*testing.T, *world) map[string]string {
	return func(_ *testing.T, w *world) map[string]string {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fault = func(r *http.Request) (int, string) {
			if strings.HasPrefix(r.URL.Path, "/repos/") {
				return status, body
			}
			return 0, ""
		}
		return nil
	}
}

// ruin is a world with state in it that was then made unreadable.
type ruin struct {
	*world
	unread
	store        string
	job          job
	asked, saved int
}

func newRuin(t *testing.T, name string, u unread) *ruin {
	t.Helper()
	w := newWorld(t, shop)
	r := &ruin{world: w, unread: u, store: w.stores()[name]}
	known := event(t, `{"repository": {"default_branch": "main", "private": true}}`)
	w.wants(t, 0, "succeeded", job{run: 7, env: known}, "promote", "--to", "production", "--target", "eu", "--store", r.store)
	r.asked, r.saved = len(w.platforms.Requests()), w.saves()
	env := u.broken(t, w)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, known)
	r.job = job{run: 8, env: env}
	return r
}

// untouched holds what a command said, and what it did, against what an
// unreadable state allows.
func (r *ruin) untouched(t *testing.T, got outcome) {
	t.Helper()
	if got.code != 6 || !strings.Contains(got.stderr, r.say) {
		t.Errorf("want exit 6 with %q, got %s", r.say, got)
	}
	if n := len(r.platforms.Requests()) - r.asked; n > 0 {
		t.Errorf("%d requests to platforms", n)
	}
	if n := r.saves() - r.saved; n > 0 {
		t.Errorf("%d saves", n)
	}
}

// TestUnreadableIsNotEmpty: state that exists and cannot be read ends every
// command with exit 6, before any platform is asked for anything, and nothing
// is saved in its place.
func TestUnreadableIsNotEmpty(t *testing.T) {
	for name, cases := range unreadable() {
		for what, u := range cases {
			if u.slow {
				continue
			}
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				r := newRuin(t, name, u)
				for _, args := range [][]string{
					{"promote", "--to", "production"}, {"plan", "--to", "production"}, {"status"}, {"reconcile"}, {"collect", "--to", "production"},
					{"unlock", "--target", "eu"}, {"state", "import"}, {"state", "show"}, {"events"},
				} {
					r.untouched(t, r.sluice(t, r.job, append(args, "--store", r.store)...))
				}
			})
		}
	}
}

// TestUnreachableIsNotEmpty is the same for what is tried again for some
// seconds, all at once: it waits more than it works.
func TestUnreachableIsNotEmpty(t *testing.T) {
	if testing.Short() {
		t.Skip("requests are sent again for some seconds")
	}
	t.Parallel()
	ruins, got := map[string]*ruin{}, map[string]outcome{}
	for name, cases := range unreadable() {
		for what, u := range cases {
			if u.slow {
				ruins[name+" "+what] = newRuin(t, name, u)
			}
		}
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	for name, r := range ruins {
		group.Go(func() {
			o := r.sluice(t, r.job, "promote", "--to", "production", "--store", r.store)
			mu.Lock()
			defer mu.Unlock()
			got[name] = o
		})
	}
	group.Wait()
	for name, r := range ruins {
		t.Run(name, func(t *testing.T) { r.untouched(t, got[name]) })
	}
}

// saves counts what the servers of the stores took.
func (w *world) saves() int { return w.git.Writes() + w.bucket.Writes() + w.artifacts.Writes() }
