package gitref_test

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
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

const (
	repository = "octocat/shop"
	token      = "ghs_git"
)

// fake is GitHub's git data API for one repository: objects are named by their
// content, and a branch moves only to a descendant of where it is.
type fake struct {
	fault func(r *http.Request) (status int, body string) // asked first; status 0 goes on
	lose  func(r *http.Request) bool                      // takes effect, but the answer is lost

	archived func(text string) string // changes what archives hold

	mu       sync.Mutex
	blobs    map[string]string
	trees    map[string]map[string]string // path to blob
	commits  map[string]commit
	refs     map[string]string
	requests []string
	writes   int // of refs: objects that nothing refers to are no modification
	empty    bool
}

type commit struct {
	Message string   `json:"message"`
	Tree    string   `json:"tree"`
	Parents []string `json:"parents"`
}

func newFake() *fake {
	return &fake{blobs: map[string]string{}, trees: map[string]map[string]string{}, commits: map[string]commit{}, refs: map[string]string{}}
}

func id(kind, content string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content))
	return hex.EncodeToString(sum[:])
}

// RoundTrip serves in process.
func (f *fake) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/repos/"+repository))
	f.mu.Unlock()
	if f.fault != nil {
		switch status, body := f.fault(r); {
		case status < 0:
			return nil, errors.New("connection refused")
		case status > 0:
			http.Error(w, body, status)
			return w.Result(), nil
		}
	}
	f.serve(w, r)
	if f.lose != nil && f.lose(r) {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/repos/"+repository+"/git/")
	sha, isArchive := strings.CutPrefix(r.URL.Path, "/repos/"+repository+"/tarball/")
	switch {
	case r.URL.Host == "codeload.example.com":
		f.archive(w, r)
	case r.Header.Get("Authorization") != "Bearer "+token:
		answer(w, 401, map[string]string{"message": "Bad credentials"})
	case isArchive:
		http.Redirect(w, r, "https://codeload.example.com/"+sha+"?token=once", http.StatusFound)
	case !ok:
		answer(w, 404, map[string]string{"message": "Not Found"})
	case f.empty:
		answer(w, 409, map[string]string{"message": "Git Repository is empty."})
	case r.Method == http.MethodGet:
		f.get(w, r, path)
	default:
		f.write(w, r, path)
	}
}

// archive serves a commit's files, to whoever has the address.
func (f *fake) archive(w http.ResponseWriter, r *http.Request) {
	c, ok := f.commits[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok || r.URL.Query().Get("token") != "once" || r.Header.Get("Authorization") != "" {
		w.WriteHeader(404)
		return
	}
	packed := gzip.NewWriter(w)
	files := tar.NewWriter(packed)
	for path, blob := range f.trees[c.Tree] {
		text := f.blobs[blob]
		if f.archived != nil {
			text = f.archived(text)
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

func (f *fake) get(w http.ResponseWriter, r *http.Request, path string) {
	kind, name, _ := strings.Cut(path, "/")
	switch kind {
	case "matching-refs":
		found := []any{}
		for _, ref := range slices.Sorted(maps.Keys(f.refs)) {
			if strings.HasPrefix(ref, "refs/"+name) {
				found = append(found, f.ref(ref))
			}
		}
		answer(w, 200, found)
		return
	case "commits":
		if c, ok := f.commits[name]; ok {
			answer(w, 200, map[string]any{"sha": name, "tree": map[string]string{"sha": c.Tree}})
			return
		}
	case "trees":
		if tree, ok := f.trees[name]; ok && r.URL.Query().Get("recursive") == "1" {
			answer(w, 200, listing(name, tree))
			return
		}
	case "blobs":
		if text, ok := f.blobs[name]; ok && strings.HasSuffix(r.Header.Get("Accept"), ".raw") {
			fmt.Fprint(w, text)
			return
		}
	}
	answer(w, 404, map[string]string{"message": "Not Found"})
}

func listing(name string, tree map[string]string) any {
	entries, folders := []any{}, map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		if folder, _, ok := strings.Cut(path, "/"); ok && !folders[folder] {
			folders[folder] = true
			entries = append(entries, map[string]string{"path": folder, "type": "tree", "sha": id("tree", folder), "mode": "040000"})
		}
		entries = append(entries, map[string]string{"path": path, "type": "blob", "sha": tree[path], "mode": "100644"})
	}
	return map[string]any{"sha": name, "tree": entries, "truncated": false}
}

func (f *fake) ref(name string) any {
	return map[string]any{"ref": name, "object": map[string]string{"type": "commit", "sha": f.refs[name]}}
}

func (f *fake) write(w http.ResponseWriter, r *http.Request, path string) {
	var q struct {
		Base    string `json:"base_tree"`
		Entries []struct{ Path, Mode, Type, Content string }
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
		if json.Unmarshal(q.Tree, &q.Entries) != nil || q.Base != "" && f.trees[q.Base] == nil {
			invalid("tree.sha is not valid")
			return
		}
		tree := maps.Clone(f.trees[q.Base])
		if tree == nil {
			tree = map[string]string{}
		}
		for _, e := range q.Entries {
			if e.Mode != "100644" || e.Type != "blob" || e.Path == "" || strings.HasPrefix(e.Path, "/") {
				invalid("tree." + e.Path + " is malformed")
				return
			}
			tree[e.Path] = f.blob(e.Content)
		}
		answer(w, 201, map[string]string{"sha": f.tree(tree)})
	case r.Method == http.MethodPost && path == "commits":
		c := commit{Message: q.Message, Parents: q.Parents}
		if json.Unmarshal(q.Tree, &c.Tree) != nil || f.trees[c.Tree] == nil || c.Message == "" {
			invalid("Tree SHA does not exist")
			return
		}
		answer(w, 201, map[string]string{"sha": f.commit(c)})
	case r.Method == http.MethodPost && path == "refs":
		if _, exists := f.refs[q.Ref]; exists {
			invalid("Reference already exists")
			return
		}
		f.point(w, q.Ref, q.SHA, invalid)
	case r.Method == http.MethodPatch && strings.HasPrefix(path, "refs/"):
		if f.refs[path] == "" {
			invalid("Reference does not exist")
			return
		}
		if q.Force == nil || *q.Force || !f.descends(q.SHA, f.refs[path]) {
			invalid("Update is not a fast forward")
			return
		}
		f.point(w, path, q.SHA, invalid)
	default:
		answer(w, 404, map[string]string{"message": "Not Found"})
	}
}

func (f *fake) point(w http.ResponseWriter, ref, sha string, invalid func(string)) {
	if _, ok := f.commits[sha]; !ok {
		invalid("Object does not exist")
		return
	}
	f.writes++
	f.refs[ref] = sha
	answer(w, 201, f.ref(ref))
}

func (f *fake) blob(text string) string {
	name := id("blob", text)
	f.blobs[name] = text
	return name
}

func (f *fake) tree(files map[string]string) string {
	name := id("tree", fmt.Sprint(files))
	f.trees[name] = files
	return name
}

func (f *fake) commit(c commit) string {
	name := id("commit", fmt.Sprint(c))
	f.commits[name] = c
	return name
}

func (f *fake) descends(sha, ancestor string) bool {
	if sha == ancestor {
		return true
	}
	return slices.ContainsFunc(f.commits[sha].Parents, func(p string) bool { return f.descends(p, ancestor) })
}

// push changes a branch as somebody with a clone would.
func (f *fake) push(branch, path string, edit func(string) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ref := "refs/heads/" + branch
	parents, files := []string{}, map[string]string{}
	if head, ok := f.refs[ref]; ok {
		parents, files = []string{head}, maps.Clone(f.trees[f.commits[head].Tree])
	}
	files[path] = f.blob(edit(f.blobs[files[path]]))
	f.refs[ref] = f.commit(commit{Message: "by hand", Tree: f.tree(files), Parents: parents})
}

// log is the messages of a branch, newest first.
func (f *fake) log(branch string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var messages []string
	for sha := f.refs["refs/heads/"+branch]; sha != ""; {
		c := f.commits[sha]
		messages = append(messages, c.Message)
		sha = ""
		if len(c.Parents) > 0 {
			sha = c.Parents[0]
		}
	}
	return messages
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}
