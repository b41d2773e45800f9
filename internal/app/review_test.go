package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/publish/githubtest"
)

// githubCommand is GitHub's API in a story, as far as reviews of environments go, and
// what is shown there:
//
//	github serve                       serves it; programs reach it
//	github environment NAME [none]     an environment with required reviewers, or without
//	github review LOGIN NAME RUN       LOGIN approved NAME in a run
//	github forget RUN                  the run's reviews are gone
//	github deny                        the token may not read reviews any more
//	github asked                       prints how often reviews were read
//	github allow PERMISSION…           the token may do that: "deployments: write"
//	github commit SHA [NUMBER]         the repository has a commit, which a pull request brought
//	github role LOGIN ROLE             what somebody may do in the repository
//	github deployments                 prints each with its statuses
//	github comments NUMBER             prints those of a pull request
//	github records                     prints what the organisation was told of its artifacts
//	github requests                    prints how many there were, but for reviews
func githubCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) == 0 {
		ts.Fatalf("usage: github serve, environment, review, forget, deny or asked")
	}
	g := ts.Value(githubKey{}).(*reviewed)
	g.Lock()
	defer g.Unlock()
	switch verb, rest := args[0], args[1:]; {
	case verb == "serve":
		server := httptest.NewServer(g)
		ts.Defer(server.Close)
		ts.Setenv("GITHUB_API_URL", server.URL)
		ts.Setenv("GITHUB_TOKEN", "ghs_0123456789")
	case verb == "environment" && len(rest) > 0:
		g.environments[rest[0]] = len(rest) == 1
	case verb == "review" && len(rest) == 3:
		g.reviews[rest[2]] = append(g.reviews[rest[2]], review{State: "approved", Environments: []named{{rest[1]}}, User: user{rest[0], "User"}})
	case verb == "forget" && len(rest) == 1:
		delete(g.reviews, rest[0])
	case verb == "deny":
		g.denied = true
	case verb == "asked":
		_, _ = fmt.Fprintln(ts.Stdout(), g.asked) // into memory
	default:
		shown(ts, g.rest, verb, rest)
	}
}

// shown is the part of githubCommand about what is shown on GitHub.
func shown(ts *testscript.TestScript, g *githubtest.Server, verb string, rest []string) {
	out := ts.Stdout()
	switch {
	case verb == "allow":
		for _, permission := range rest {
			name, level, _ := strings.Cut(permission, ": ")
			g.Permissions[name] = level
		}
	case verb == "commit" && len(rest) > 0:
		g.Commits = append(g.Commits, rest[0])
		if len(rest) > 1 {
			number, err := strconv.Atoi(rest[1])
			ts.Check(err)
			g.Merged(number, rest[0])
		}
	case verb == "role" && len(rest) == 2:
		g.Roles[rest[0]] = rest[1]
	case verb == "deployments":
		for _, d := range g.Deployments {
			_, _ = fmt.Fprintln(out, d.Environment, d.Ref, d.Task) // into memory
			for _, s := range d.Statuses {
				_, _ = fmt.Fprintln(out, " ", s.State, s.EnvironmentURL, s.LogURL, s.Description)
			}
		}
	case verb == "comments" && len(rest) == 1:
		number, err := strconv.Atoi(rest[0])
		ts.Check(err)
		for _, c := range g.Comments[number] {
			_, _ = fmt.Fprintln(out, c.Body)
		}
	case verb == "records":
		for _, r := range g.Records {
			_, _ = fmt.Fprintln(out, r["name"], r["digest"], r["version"], r["logical_environment"], r["cluster"], r["deployment_name"], r["status"])
		}
	case verb == "requests":
		_, _ = fmt.Fprintln(out, g.Total())
	default:
		ts.Fatalf("github: no such command")
	}
}

type githubKey struct{}

type review struct {
	State        string  `json:"state"`
	Comment      string  `json:"comment"`
	Environments []named `json:"environments"`
	User         user    `json:"user"`
}

type named struct {
	Name string `json:"name"`
}

type user struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// reviewed is what GitHub keeps of environments and their reviews.
type reviewed struct {
	sync.Mutex
	environments map[string]bool // whether they have required reviewers
	reviews      map[string][]review
	denied       bool
	asked        int
	rest         *githubtest.Server
}

func newReviewed() *reviewed {
	return &reviewed{environments: map[string]bool{}, reviews: map[string][]review{}, rest: githubtest.New()}
}

func (g *reviewed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.Lock()
	defer g.Unlock()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/octo/shop/actions/runs/{run}/approvals", func(w http.ResponseWriter, r *http.Request) {
		g.asked++
		if g.denied {
			answer(w, http.StatusForbidden, map[string]string{"message": "Resource not accessible by integration"})
			return
		}
		answer(w, http.StatusOK, append([]review{}, g.reviews[r.PathValue("run")]...))
	})
	mux.HandleFunc("GET /repos/octo/shop/environments/{name}", func(w http.ResponseWriter, r *http.Request) {
		reviewers, ok := g.environments[r.PathValue("name")]
		if !ok {
			answer(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
			return
		}
		rules := []map[string]string{{"type": "branch_policy"}}
		if reviewers {
			rules = append(rules, map[string]string{"type": "required_reviewers"})
		}
		answer(w, http.StatusOK, map[string]any{"name": r.PathValue("name"), "protection_rules": rules})
	})
	mux.Handle("/", g.rest)
	mux.ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
}
