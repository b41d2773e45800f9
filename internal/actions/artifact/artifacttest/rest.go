package artifacttest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rest serves the repository, the list of its artifacts and their download.
func (s *Server) rest(w http.ResponseWriter, r *http.Request) {
	const root = "/repos/" + Repository
	if r.Header.Get("Authorization") != "Bearer "+Token && r.Header.Get("Authorization") != "Bearer ghs_weak" {
		reply(w, 401, map[string]string{"message": "Bad credentials"})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, root)
	if path == "" {
		reply(w, 200, map[string]any{"id": RepositoryID, "default_branch": DefaultBranch, "visibility": "private"})
		return
	}
	if r.Header.Get("Authorization") == "Bearer ghs_weak" {
		reply(w, 403, map[string]string{"message": "Resource not accessible by integration"})
		return
	}
	id, isZip := strings.CutSuffix(strings.TrimPrefix(path, "/actions/artifacts/"), "/zip")
	switch {
	case r.Method != http.MethodGet:
		reply(w, 405, map[string]string{"message": "Method not allowed"})
	case path == "/actions/artifacts":
		s.restList(w, r, "")
	case strings.HasPrefix(path, "/actions/runs/") && strings.HasSuffix(path, "/artifacts"):
		s.restList(w, r, strings.TrimSuffix(strings.TrimPrefix(path, "/actions/runs/"), "/artifacts"))
	case isZip:
		s.restZip(w, r, id)
	default:
		reply(w, 404, map[string]string{"message": "Not Found"})
	}
}

// restList is newest first, in pages of at most 100, filtered by exact name and
// by run, "" for all.
func (s *Server) restList(w http.ResponseWriter, r *http.Request, run string) {
	query := r.URL.Query()
	size, err := strconv.Atoi(query.Get("per_page"))
	if err != nil || size > 100 {
		size = 30
	}
	page, err := strconv.Atoi(query.Get("page"))
	if err != nil {
		page = 1
	}
	items := []map[string]any{}
	for _, a := range slices.Backward(s.artifacts) {
		if run != "" && run != strconv.FormatInt(a.Run.ID, 10) {
			continue
		}
		if s.Hidden != 0 && a.Run.ID == s.Hidden || s.Late > 0 && s.Now().Before(a.Created.Add(s.Late)) {
			continue
		}
		if a.live() && (query.Get("name") == "" || query.Get("name") == a.Name) {
			items = append(items, s.restItem(a))
		}
	}
	from := min((page-1)*size, len(items))
	reply(w, 200, map[string]any{"total_count": len(items), "artifacts": items[from:min(from+size, len(items))]})
}

func (s *Server) restItem(a *Artifact) map[string]any {
	item := map[string]any{
		"id": a.ID, "name": a.Name, "size_in_bytes": len(a.Zip), "digest": a.Digest,
		"expired": s.expired(a), "created_at": a.Created.UTC().Format(time.RFC3339),
		"expires_at": a.ExpiresAt.UTC().Format(time.RFC3339), "workflow_run": nil,
	}
	if !a.Orphaned {
		item["workflow_run"] = map[string]any{
			"id": a.Run.ID, "repository_id": RepositoryID, "head_repository_id": a.Run.HeadRepositoryID,
			"head_branch": a.Run.Branch, "head_sha": "0123456789abcdef",
		}
	}
	return item
}

func (s *Server) expired(a *Artifact) bool { return a.Expired || s.Now().After(a.ExpiresAt) }

func (s *Server) restZip(w http.ResponseWriter, r *http.Request, id string) {
	for _, a := range s.artifacts {
		if strconv.FormatInt(a.ID, 10) != id || !a.live() {
			continue
		}
		if s.expired(a) {
			reply(w, 410, map[string]string{"message": "Artifact has expired"})
			return
		}
		http.Redirect(w, r, s.signed(a), http.StatusFound)
		return
	}
	reply(w, 404, map[string]string{"message": "Not Found"})
}
