package artifacttest

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Directory serves, as GitHub's REST API would, the artifacts that act keeps
// under a directory (--artifact-server-path): act itself has no REST API, so
// without it a run finds no other run's artifacts. Give its address to act as
// GITHUB_API_URL, with any GITHUB_TOKEN and [RepositoryID] as
// GITHUB_REPOSITORY_ID. All runs were on [DefaultBranch].
func Directory(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := New()
		s.Base = "http://" + r.Host
		s.read(dir)
		if rest, ok := strings.CutPrefix(r.URL.Path, "/repos/"); ok {
			r.Header.Set("Authorization", "Bearer "+Token)
			if parts := strings.SplitN(rest, "/", 3); len(parts) > 1 { // act says which repository it takes this for
				r.URL.Path = "/repos/" + strings.Join(append([]string{Repository}, parts[2:]...), "/")
			}
		}
		s.route(w, r)
	})
}

// read takes <dir>/<run>/<name>/<name>.zip. Ids follow from the order of the
// names, which no upload between a list and its download changes by much: a
// wrong one ends in a digest that does not match.
func (s *Server) read(dir string) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.zip"))
	if err != nil {
		return
	}
	for _, path := range paths {
		id, err := strconv.ParseInt(filepath.Base(filepath.Dir(filepath.Dir(path))), 10, 64)
		zip, readErr := os.ReadFile(path)
		if err != nil || readErr != nil || len(zip) == 0 {
			continue
		}
		s.runs[id] = Run{ID: id, Branch: DefaultBranch, HeadRepositoryID: RepositoryID}
		a := s.add(strings.TrimSuffix(filepath.Base(path), ".zip"), s.runs[id], "")
		a.Zip, a.Digest, a.Finalised, a.Created = zip, sum(zip), true, time.Time{}
	}
}
