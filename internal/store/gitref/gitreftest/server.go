// Package gitreftest is a stand-in for GitHub's git data API of one repository,
// in process or as an http.Handler.
package gitreftest

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"sluice/internal/actions/limittest"
)

// What the stand-in wants of its clients.
const (
	Repository = "octocat/shop"
	Token      = "ghs_git"
)

// Server is GitHub's git data API for one repository: objects are named by their
// content, and a branch moves only to a descendant of where it is. Create one with [New].
type Server struct {
	Fault func(r *http.Request) (status int, body string) // asked first; status 0 goes on
	Lose  func(r *http.Request) bool                      // takes effect, but the answer is lost

	Archived func(text string) string // changes what archives hold
	Extra    []any                    // entries that lists of trees have besides, without a change of their names

	// What the repository holds, and what it was asked for. Tests read them
	// while no request is under way.
	Blobs    map[string]string
	Trees    map[string]map[string]string // path to blob
	Commits  map[string]Commit
	Refs     map[string]string
	Requests []string

	Meter limittest.Meter // counts requests of the API, and refuses too many

	mu     sync.Mutex
	writes int  // of branches: objects that nothing refers to are no modification
	Empty  bool // the repository has no commit at all
}

// Commit is one commit of the repository.
type Commit struct {
	Message string   `json:"message"`
	Tree    string   `json:"tree"`
	Parents []string `json:"parents"`
}

// New returns a repository without any branch.
func New() *Server {
	return &Server{Blobs: map[string]string{}, Trees: map[string]map[string]string{}, Commits: map[string]Commit{}, Refs: map[string]string{}}
}

func id(kind, content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content))
	return hex.EncodeToString(sum[:])
}

// RoundTrip serves in process.
func (s *Server) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.mu.Lock()
	s.Requests = append(s.Requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/repos/"+Repository))
	s.mu.Unlock()
	if s.Fault != nil {
		switch status, body := s.Fault(r); {
		case status < 0:
			return nil, errors.New("connection refused")
		case status > 0:
			http.Error(w, body, status)
			return w.Result(), nil
		}
	}
	if r.URL.Host == archives || s.Meter.Allow(w, r, kindOf(r)) {
		s.serve(w, r)
	}
	if s.Lose != nil && s.Lose(r) {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

// kindOf is what a request is counted as: "POST trees".
func kindOf(r *http.Request) string {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/repos/"+Repository+"/"), "git/")
	about, _, _ := strings.Cut(path, "/")
	return limittest.Kind(r.Method, about)
}

// ServeHTTP serves on a listener, archives under its other name. Where there is
// no answer, the connection ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/archive"); ok {
		r = r.Clone(r.Context())
		r.URL.Host, r.URL.Path = archives, path
	}
	answer, err := s.RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, port, _ := net.SplitHostPort(r.Host) // a listener's address has one
	if to := answer.Header.Get("Location"); to != "" {
		answer.Header.Set("Location", strings.Replace(to, "https://"+archives, "http://localhost:"+port+"/archive", 1))
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // a client that is gone wants no answer
}

// archives is the host that serves them.
const archives = "codeload.example.com"

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/repos/"+Repository+"/git/")
	sha, isArchive := strings.CutPrefix(r.URL.Path, "/repos/"+Repository+"/tarball/")
	ref, isCommit := strings.CutPrefix(r.URL.Path, "/repos/"+Repository+"/commits/")
	between, isComparison := strings.CutPrefix(r.URL.Path, "/repos/"+Repository+"/compare/")
	switch {
	case r.URL.Host == archives:
		s.archive(w, r)
	case r.Header.Get("Authorization") != "Bearer "+Token:
		answer(w, 401, map[string]string{"message": "Bad credentials"})
	case s.Empty && !isArchive && (ok || isCommit || isComparison):
		answer(w, 409, map[string]string{"message": "Git Repository is empty."})
	case isCommit:
		s.newest(w, ref)
	case isComparison:
		s.compare(w, between)
	case isArchive:
		http.Redirect(w, r, "https://"+archives+"/"+sha+"?token=once", http.StatusFound)
	case !ok:
		answer(w, 404, map[string]string{"message": "Not Found"})
	case r.Method == http.MethodGet:
		s.get(w, r, path)
	default:
		s.write(w, r, path)
	}
}

// newest serves the commit of a ref or an id, as GitHub does for heads/…, tags/… and
// ids alone.
func (s *Server) newest(w http.ResponseWriter, ref string) {
	sha := ref
	if strings.HasPrefix(ref, "heads/") || strings.HasPrefix(ref, "tags/") {
		sha = s.Refs["refs/"+ref]
	}
	if _, ok := s.Commits[sha]; !ok {
		answer(w, 422, map[string]string{"message": "No commit found for SHA: " + ref})
		return
	}
	c := s.described(sha).(map[string]any)
	answer(w, 200, map[string]any{
		"sha": sha, "parents": c["parents"], "files": []any{},
		"commit": map[string]any{"message": s.Commits[sha].Message, "tree": c["tree"]},
	})
}

// compare says how one commit stands to another: BASE...HEAD.
func (s *Server) compare(w http.ResponseWriter, between string) {
	base, head, _ := strings.Cut(between, "...")
	status := "diverged"
	switch {
	case s.Commits[base].Tree == "" || s.Commits[head].Tree == "":
		answer(w, 404, map[string]string{"message": "Not Found"})
		return
	case base == head:
		status = "identical"
	case s.descends(head, base):
		status = "ahead"
	case s.descends(base, head):
		status = "behind"
	case s.root(base) != s.root(head):
		answer(w, 404, map[string]string{"message": "No common ancestor between " + between + "."})
		return
	}
	answer(w, 200, map[string]any{"status": status, "commits": []any{}, "files": []any{}})
}

// root is the first commit of a history.
func (s *Server) root(sha string) string {
	for len(s.Commits[sha].Parents) > 0 {
		sha = s.Commits[sha].Parents[0]
	}
	return sha
}

// archive serves a commit's files, to whoever has the address.
func (s *Server) archive(w http.ResponseWriter, r *http.Request) {
	c, ok := s.Commits[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok || r.URL.Query().Get("token") != "once" || r.Header.Get("Authorization") != "" {
		w.WriteHeader(404)
		return
	}
	packed := gzip.NewWriter(w)
	files := tar.NewWriter(packed)
	for path, blob := range s.Trees[c.Tree] {
		text := s.Blobs[blob]
		if s.Archived != nil {
			text = s.Archived(text)
		}
		header := &tar.Header{Name: "octocat-shop-0123456/" + path, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}
		if err := errors.Join(files.WriteHeader(header), writeAll(files, text)); err != nil {
			panic(err)
		}
	}
	if err := errors.Join(files.Close(), packed.Close()); err != nil {
		panic(err)
	}
}

func writeAll(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, path string) {
	kind, name, _ := strings.Cut(path, "/")
	switch kind {
	case "matching-refs":
		found := []any{}
		for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
			if strings.HasPrefix(ref, "refs/"+name) {
				found = append(found, s.ref(ref))
			}
		}
		answer(w, 200, found)
		return
	case "ref":
		if _, ok := s.Refs["refs/"+name]; ok {
			answer(w, 200, s.ref("refs/"+name))
			return
		}
	case "commits":
		if _, ok := s.Commits[name]; ok {
			answer(w, 200, s.described(name))
			return
		}
	case "trees":
		if tree, ok := s.Trees[name]; ok && r.URL.Query().Get("recursive") == "1" {
			answer(w, 200, s.listing(name, tree))
			return
		}
	case "blobs":
		if text, ok := s.Blobs[name]; ok && strings.HasSuffix(r.Header.Get("Accept"), ".raw") {
			fmt.Fprint(w, text)
			return
		}
	}
	answer(w, 404, map[string]string{"message": "Not Found"})
}

func (s *Server) listing(name string, tree map[string]string) any {
	entries := []any{}
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		entries = append(entries, map[string]any{"path": path, "type": "blob", "sha": tree[path], "mode": "100644", "size": len(s.Blobs[tree[path]])})
	}
	for _, folder := range folders(tree) {
		sha := hash(tree, folder+"/")
		entries = append(entries, map[string]any{"path": folder, "type": "tree", "sha": sha, "mode": "040000"})
	}
	return map[string]any{"sha": name, "tree": append(entries, s.Extra...), "truncated": false}
}

// folders are those that files lie in, one level deep.
func folders(files map[string]string) []string {
	found := map[string]bool{}
	for path := range files {
		if folder, _, ok := strings.Cut(path, "/"); ok {
			found[folder] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// hash is git's name for the folder of the files whose paths begin with prefix,
// which is "" or ends in a slash.
func hash(files map[string]string, prefix string) (sha string) {
	lines := map[string]string{} // by what git sorts by
	line := func(mode, name, sha, order string) {
		raw, err := hex.DecodeString(sha)
		if err != nil {
			panic(err)
		}
		lines[order] = mode + " " + name + "\x00" + string(raw)
	}
	for path, blob := range files {
		rest, ok := strings.CutPrefix(path, prefix)
		if !ok {
			continue
		}
		folder, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			line("100644", rest, blob, rest)
			continue
		}
		if _, done := lines[folder+"/"]; !done {
			inner := hash(files, prefix+folder+"/")
			line("40000", folder, inner, folder+"/")
		}
	}
	var content strings.Builder
	for _, order := range slices.Sorted(maps.Keys(lines)) {
		content.WriteString(lines[order])
	}
	return id("tree", content.String())
}

// described is a commit as the API has it.
func (s *Server) described(sha string) any {
	parents := []any{}
	for _, p := range s.Commits[sha].Parents {
		parents = append(parents, map[string]string{"sha": p})
	}
	return map[string]any{"sha": sha, "tree": map[string]string{"sha": s.Commits[sha].Tree}, "parents": parents}
}

func (s *Server) ref(name string) any {
	return map[string]any{"ref": name, "object": map[string]string{"type": "commit", "sha": s.Refs[name]}}
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, path string) {
	var q struct {
		Base    string `json:"base_tree"`
		Entries []struct {
			Path, Mode, Type, Content string
			SHA                       json.RawMessage
		}
		Message string
		Parents []string
		Ref     string
		SHA     string
		Force   *bool
		Tree    json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		answer(w, 400, map[string]string{"message": "Problems parsing JSON"})
		return
	}
	invalid := func(message string) { answer(w, 422, map[string]string{"message": message}) }
	switch {
	case r.Method == http.MethodPost && path == "trees":
		if json.Unmarshal(q.Tree, &q.Entries) != nil || q.Base != "" && s.Trees[q.Base] == nil {
			invalid("tree.sha is not valid")
			return
		}
		tree := maps.Clone(s.Trees[q.Base])
		if tree == nil {
			tree = map[string]string{}
		}
		for _, e := range q.Entries {
			if e.Mode != "100644" || e.Type != "blob" || e.Path == "" || strings.HasPrefix(e.Path, "/") {
				invalid("tree." + e.Path + " is malformed")
				return
			}
			if string(e.SHA) == "null" { // docs.github.com/rest/git/trees: a null removes the file
				if _, ok := tree[e.Path]; !ok {
					invalid("GitRPC::BadObjectState")
					return
				}
				delete(tree, e.Path)
				continue
			}
			tree[e.Path] = s.blob(e.Content)
		}
		answer(w, 201, map[string]string{"sha": s.tree(tree)})
	case r.Method == http.MethodPost && path == "commits":
		c := Commit{Message: q.Message, Parents: q.Parents}
		if json.Unmarshal(q.Tree, &c.Tree) != nil || s.Trees[c.Tree] == nil || c.Message == "" {
			invalid("Tree SHA does not exist")
			return
		}
		answer(w, 201, s.described(s.commit(c)))
	case r.Method == http.MethodPost && path == "refs":
		if _, exists := s.Refs[q.Ref]; exists {
			invalid("Reference already exists")
			return
		}
		s.point(w, q.Ref, q.SHA, invalid)
	case r.Method == http.MethodPatch && strings.HasPrefix(path, "refs/"):
		if s.Refs[path] == "" {
			invalid("Reference does not exist")
			return
		}
		if q.Force == nil || *q.Force || !s.descends(q.SHA, s.Refs[path]) {
			invalid("Update is not a fast forward")
			return
		}
		s.point(w, path, q.SHA, invalid)
	default:
		answer(w, 404, map[string]string{"message": "Not Found"})
	}
}

func (s *Server) point(w http.ResponseWriter, ref, sha string, invalid func(string)) {
	if _, ok := s.Commits[sha]; !ok {
		invalid("Object does not exist")
		return
	}
	if strings.HasPrefix(ref, "refs/heads/") {
		s.writes++
	}
	s.Refs[ref] = sha
	answer(w, 201, s.ref(ref))
}

func (s *Server) blob(text string) string {
	name := id("blob", text)
	s.Blobs[name] = text
	return name
}

func (s *Server) tree(files map[string]string) string {
	name := hash(files, "")
	s.Trees[name] = files
	return name
}

func (s *Server) commit(c Commit) string {
	name := id("commit", fmt.Sprint(c))
	s.Commits[name] = c
	return name
}

func (s *Server) descends(sha, ancestor string) bool {
	if sha == ancestor {
		return true
	}
	return slices.ContainsFunc(s.Commits[sha].Parents, func(p string) bool { return s.descends(p, ancestor) })
}

// Push changes a branch as somebody with a clone would.
func (s *Server) Push(branch, path string, edit func(string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := "refs/heads/" + branch
	parents, files := []string{}, map[string]string{}
	if head, ok := s.Refs[ref]; ok {
		parents, files = []string{head}, maps.Clone(s.Trees[s.Commits[head].Tree])
	}
	files[path] = s.blob(edit(s.Blobs[files[path]]))
	s.Refs[ref] = s.commit(Commit{Message: "by hand", Tree: s.tree(files), Parents: parents})
}

// Force lets a branch point at a commit, whatever it held; "" deletes it.
func (s *Server) Force(branch, commit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if commit == "" {
		delete(s.Refs, "refs/heads/"+branch)
		return
	}
	s.Refs["refs/heads/"+branch] = commit
}

// Head is the commit of a branch, "" where there is none.
func (s *Server) Head(branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Refs["refs/heads/"+branch]
}

// Log is the messages of a branch, newest first.
func (s *Server) Log(branch string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var messages []string
	for sha := s.Refs["refs/heads/"+branch]; sha != ""; {
		c := s.Commits[sha]
		messages = append(messages, c.Message)
		sha = ""
		if len(c.Parents) > 0 {
			sha = c.Parents[0]
		}
	}
	return messages
}

// Writes counts the moves of branches.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}
