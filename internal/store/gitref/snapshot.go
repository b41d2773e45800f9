package gitref

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/google/go-github/v60/github"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// snapshot is the branch at one commit. Its zero value is a branch that does
// not exist.
type snapshot struct {
	commit string
	tree   string
	files  map[store.Key]string // the blob of each record
}

func path(k store.Key) string { return k.Pipeline + "/" + k.Target + ".json" }

// keyOf is the record that a path of the branch holds, if any.
func keyOf(path string) (store.Key, bool) {
	name, ok := strings.CutSuffix(path, ".json")
	pipeline, target, both := strings.Cut(name, "/")
	k := store.Key{Pipeline: pipeline, Target: target}
	return k, ok && both && k.Check() == nil
}

// with is the snapshot after a commit of ours on top of it.
func (n snapshot) with(commit, tree string, c change) snapshot {
	files := maps.Clone(n.files)
	if files == nil {
		files = map[store.Key]string{}
	}
	for i, e := range c.entries {
		files[e.Key] = c.blobs[i]
	}
	return snapshot{commit: commit, tree: tree, files: files}
}

// holds reports whether every record of a change is there.
func (n snapshot) holds(c change) bool {
	for i, e := range c.entries {
		if n.files[e.Key] != c.blobs[i] {
			return false
		}
	}
	return true
}

// read looks where the branch is, and reads its tree where that is news: one
// request if not, three if so.
func (s *Store) read(ctx context.Context) (snapshot, error) {
	api, err := s.github()
	if err != nil {
		return snapshot{}, err
	}
	commit, err := s.head(ctx, api)
	if err != nil || commit == "" {
		return snapshot{}, err
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last.commit == commit {
		return last, nil
	}
	made, _, err := api.Git.GetCommit(ctx, api.Owner, api.Name, commit)
	if err != nil {
		return snapshot{}, err
	}
	next := snapshot{commit: commit, tree: made.GetTree().GetSHA()}
	if next.files, err = files(ctx, api, next.tree); err != nil {
		return snapshot{}, err
	}
	s.keep(next)
	return next, nil
}

func (s *Store) keep(n snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = n
}

// head is the branch's commit, "" where the branch is proven not to exist.
func (s *Store) head(ctx context.Context, api *actions.Client) (string, error) {
	ref := "refs/heads/" + s.options.Branch
	refs, _, err := api.Git.ListMatchingRefs(ctx, api.Owner, api.Name, &github.ReferenceListOptions{Ref: ref})
	if err != nil {
		return "", err
	}
	for _, r := range refs {
		if r.GetRef() == ref {
			return r.GetObject().GetSHA(), nil
		}
	}
	return "", nil
}

func files(ctx context.Context, api *actions.Client, tree string) (map[store.Key]string, error) {
	list, _, err := api.Git.GetTree(ctx, api.Owner, api.Name, tree, true)
	if err != nil {
		return nil, err
	}
	if list.GetTruncated() {
		return nil, errors.New("the branch holds more files than GitHub lists at once")
	}
	files := map[store.Key]string{}
	for _, e := range list.Entries {
		if k, ok := keyOf(e.GetPath()); ok && e.GetType() == "blob" {
			files[k] = e.GetSHA()
		}
	}
	return files, nil
}

func (s *Store) blob(ctx context.Context, sha string) ([]byte, error) {
	api, err := s.github()
	if err != nil {
		return nil, err
	}
	text, _, err := api.Git.GetBlobRaw(ctx, api.Owner, api.Name, sha)
	return text, err
}

func (s *Store) unreadable(op string, err error) error {
	return s.unreadableKey(store.Key{}, op, err)
}

func (s *Store) unreadableKey(k store.Key, op string, err error) error {
	return &store.UnreadableError{
		Key: k, Op: op, Err: fmt.Errorf("branch %s: %w", s.options.Branch, err), Remedy: remedy(err),
	}
}

func remedy(err error) string {
	switch actions.Status(err) {
	case http.StatusConflict:
		return "the repository is empty: push a first commit to its default branch"
	case http.StatusUnprocessableEntity:
		return "exempt the state branch from the repository's rules, so that the token can create and update it"
	}
	return actions.Remedy(err, permission)
}
