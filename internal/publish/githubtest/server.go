// Package githubtest stands in for what GitHub's API has of deployments, comments on
// pull requests, collaborators and an organisation's artifacts. It counts what it is
// asked, and refuses what the token's permissions and GitHub's limits do not allow.
package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice/internal/actions/limittest"
)

// Repository is the one that it has, unless its field says another.
const Repository = "octo/shop"

// Deployment is one of GitHub's, with its statuses, the newest last.
type Deployment struct {
	ID          int64           `json:"id"`
	Ref         string          `json:"ref"`
	Task        string          `json:"task"`
	Environment string          `json:"environment"`
	Description string          `json:"description"`
	Payload     json.RawMessage `json:"payload"`
	AutoMerge   *bool           `json:"auto_merge"`
	Contexts    *[]string       `json:"required_contexts"`
	Statuses    []Status        `json:"-"`
}

// Status is a status of a deployment.
type Status struct {
	ID             int64  `json:"id"`
	State          string `json:"state"`
	LogURL         string `json:"log_url"`
	EnvironmentURL string `json:"environment_url"`
	Description    string `json:"description"`
}

// Comment is a comment on a pull request.
type Comment struct {
	ID          int64  `json:"id"`
	Body        string `json:"body"`
	User        User   `json:"user"`
	Association string `json:"author_association"`
}

// User is somebody on GitHub.
type User struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// Pull is a pull request.
type Pull struct {
	Number   int        `json:"number"`
	MergedAt *time.Time `json:"merged_at"`
	Merge    string     `json:"merge_commit_sha"`
	Base     Base       `json:"base"`
}

// Base is where a pull request goes.
type Base struct {
	Repo Repo `json:"repo"`
}

// Repo is a repository.
type Repo struct {
	Name string `json:"full_name"`
}

// Server is GitHub. What it holds may be set before it serves, and looked at when it
// is idle.
type Server struct {
	limittest.Meter
	Repository  string            // that it has: OWNER/NAME
	Permissions map[string]string // of the token: "pull-requests": "write"
	Commits     []string          // that the repository has
	Deployments []*Deployment
	Comments    map[int][]Comment // by pull request
	Pulls       map[string][]Pull // by commit
	Roles       map[string]string // of collaborators, by login: "write"
	Records     []map[string]any  // of the organisation's artifacts

	mu sync.Mutex
	id int64
}

// New returns a GitHub whose token may do what is listed: "deployments: write".
func New(permissions ...string) *Server {
	s := &Server{Repository: Repository, Permissions: map[string]string{}, Comments: map[int][]Comment{}, Pulls: map[string][]Pull{}, Roles: map[string]string{}}
	s.Enforce = true
	for _, p := range permissions {
		name, level, _ := strings.Cut(p, ": ")
		s.Permissions[name] = level
	}
	return s
}

// Merged has a pull request that brought a commit to its branch.
func (s *Server) Merged(number int, commit string) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s.Pulls[commit] = append(s.Pulls[commit], Pull{Number: number, MergedAt: &at, Merge: commit, Base: Base{Repo{s.Repository}}})
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mux := http.NewServeMux()
	repo := "/repos/" + s.Repository
	for _, one := range []struct {
		pattern, permission string
		serve               func(r *http.Request) (int, any)
	}{
		{"GET " + repo + "/deployments", "deployments: read", s.listDeployments},
		{"POST " + repo + "/deployments", "deployments: write", s.createDeployment},
		{"GET " + repo + "/deployments/{id}/statuses", "deployments: read", s.listStatuses},
		{"POST " + repo + "/deployments/{id}/statuses", "deployments: write", s.createStatus},
		{"GET " + repo + "/issues/{number}/comments", "pull-requests: read", s.listComments},
		{"POST " + repo + "/issues/{number}/comments", "pull-requests: write", s.createComment},
		{"PATCH " + repo + "/issues/comments/{id}", "pull-requests: write", s.editComment},
		{"GET " + repo + "/commits/{sha}/pulls", "pull-requests: read", s.pullsOf},
		{"GET " + repo + "/collaborators/{login}/permission", "metadata: read", s.permission},
		{"POST /orgs/octo/artifacts/metadata/deployment-record", "artifact-metadata: write", s.record},
	} {
		mux.HandleFunc(one.pattern, func(w http.ResponseWriter, r *http.Request) {
			about := strings.TrimPrefix(strings.SplitN(one.pattern, " ", 2)[1], repo)
			if !s.Allow(w, r, limittest.Kind(r.Method, about)) {
				return
			}
			status, body := http.StatusForbidden, any(map[string]string{"message": "Resource not accessible by integration"})
			if s.may(one.permission) {
				status, body = one.serve(r)
			}
			w.Header().Set("Content-Type", "application/json")
			if comments, ok := body.([]Comment); ok && len(comments) == mostOnPage {
				w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, pageOf(r)+1))
			}
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
		})
	}
	mux.ServeHTTP(w, r)
}

// may reports whether the token has a permission. Metadata may always be read.
func (s *Server) may(permission string) bool {
	name, level, _ := strings.Cut(permission, ": ")
	have := s.Permissions[name]
	return name == "metadata" || have == "write" || have == level
}

func (s *Server) next() int64 {
	s.id++
	return s.id
}

func wrong(format string, args ...any) (int, any) {
	return http.StatusUnprocessableEntity, map[string]string{"message": fmt.Sprintf(format, args...)}
}

func missing() (int, any) { return http.StatusNotFound, map[string]string{"message": "Not Found"} }

func (s *Server) listDeployments(r *http.Request) (int, any) {
	q := r.URL.Query()
	found := []*Deployment{}
	for _, d := range slices.Backward(s.Deployments) {
		if (q.Get("task") == "" || d.Task == q.Get("task")) && (q.Get("environment") == "" || d.Environment == q.Get("environment")) {
			found = append(found, d)
		}
	}
	return http.StatusOK, found
}

func (s *Server) createDeployment(r *http.Request) (int, any) {
	d := &Deployment{}
	if err := json.NewDecoder(r.Body).Decode(d); err != nil {
		return wrong("%v", err)
	}
	switch {
	case !slices.Contains(s.Commits, d.Ref):
		return wrong("No ref found for: %s", d.Ref)
	case d.AutoMerge == nil || *d.AutoMerge:
		return http.StatusConflict, map[string]string{"message": "Conflict merging main into " + d.Ref}
	case d.Contexts == nil || len(*d.Contexts) > 0:
		return http.StatusConflict, map[string]string{"message": "Conflict: Commit status checks failed for " + d.Ref}
	}
	d.ID = s.next()
	s.Deployments = append(s.Deployments, d)
	return http.StatusCreated, d
}

func (s *Server) deployment(r *http.Request) *Deployment {
	i := slices.IndexFunc(s.Deployments, func(d *Deployment) bool { return fmt.Sprint(d.ID) == r.PathValue("id") })
	if i < 0 {
		return nil
	}
	return s.Deployments[i]
}

func (s *Server) listStatuses(r *http.Request) (int, any) {
	d := s.deployment(r)
	if d == nil {
		return missing()
	}
	newest := slices.Clone(d.Statuses)
	slices.Reverse(newest)
	return http.StatusOK, append([]Status{}, newest...)
}

func (s *Server) createStatus(r *http.Request) (int, any) {
	d, status := s.deployment(r), Status{}
	if d == nil {
		return missing()
	}
	if err := json.NewDecoder(r.Body).Decode(&status); err != nil {
		return wrong("%v", err)
	}
	if !slices.Contains([]string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}, status.State) || len([]rune(status.Description)) > 140 {
		return wrong("Validation Failed: %+v", status)
	}
	status.ID = s.next()
	d.Statuses = append(d.Statuses, status)
	return http.StatusCreated, status
}

// mostOnPage is how many comments one page has.
const mostOnPage = 100

// pageOf is the page that is asked for, from 1.
func pageOf(r *http.Request) int {
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		return 1
	}
	return max(page, 1)
}

// pullOf is the pull request that is meant; 0 for none.
func pullOf(r *http.Request) int {
	number, _ := strconv.Atoi(r.PathValue("number")) // 0 is none
	return number
}

func (s *Server) listComments(r *http.Request) (int, any) {
	all := s.Comments[pullOf(r)]
	from := min((pageOf(r)-1)*mostOnPage, len(all))
	return http.StatusOK, append([]Comment{}, all[from:min(from+mostOnPage, len(all))]...)
}

func (s *Server) createComment(r *http.Request) (int, any) {
	number := pullOf(r)
	c := Comment{User: User{"github-actions[bot]", "Bot"}, Association: "NONE"}
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || len([]rune(c.Body)) > 65_536 {
		return wrong("Body is too long (maximum is 65536 characters)")
	}
	c.ID = s.next()
	s.Comments[number] = append(s.Comments[number], c)
	return http.StatusCreated, c
}

func (s *Server) editComment(r *http.Request) (int, any) {
	for _, comments := range s.Comments {
		for i := range comments {
			if fmt.Sprint(comments[i].ID) != r.PathValue("id") {
				continue
			}
			var edit struct{ Body string }
			if err := json.NewDecoder(r.Body).Decode(&edit); err != nil || len([]rune(edit.Body)) > 65_536 {
				return wrong("Body is too long (maximum is 65536 characters)")
			}
			comments[i].Body = edit.Body
			return http.StatusOK, comments[i]
		}
	}
	return missing()
}

func (s *Server) pullsOf(r *http.Request) (int, any) {
	return http.StatusOK, append([]Pull{}, s.Pulls[r.PathValue("sha")]...)
}

func (s *Server) permission(r *http.Request) (int, any) {
	login := r.PathValue("login")
	role, known := s.Roles[login]
	if !known {
		role = "read" // the repository is public
	}
	return http.StatusOK, map[string]any{"permission": role, "user": User{login, "User"}}
}

func (s *Server) record(r *http.Request) (int, any) {
	record := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&record); err != nil {
		return wrong("%v", err)
	}
	for _, key := range []string{"name", "digest", "status", "logical_environment", "deployment_name"} {
		if text, _ := record[key].(string); text == "" {
			return wrong("%s is missing", key)
		}
	}
	s.Records = append(s.Records, record)
	return http.StatusOK, map[string]any{"total_count": 1}
}
