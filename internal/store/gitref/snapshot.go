package gitref

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-github/v60/github"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// snapshot is the branch at one commit. Its zero value is a branch that does
// not exist.
type snapshot struct {
	commit string
	files  tree
}

func recordPath(k store.Key) string { return k.Path() }

// holds reports whether every record of a change is there, and gone what it removes.
func (n snapshot) holds(c change) bool {
	for i, e := range c.entries {
		if n.files[recordPath(e.Key)].SHA != c.blobs[i] { // "" of one that is removed
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
	if err == nil && commit == "" {
		commit, err = s.unlisted(ctx, api)
	}
	if err != nil || commit == "" {
		return snapshot{}, err
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last.commit == commit {
		return last, nil
	}
	next := snapshot{commit: commit}
	if next.files, err = files(ctx, api, commit); err != nil {
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

func (s *Store) ref() string { return "refs/heads/" + s.options.Branch }

// head is the branch's commit, "" where the list of branches lacks it.
func (s *Store) head(ctx context.Context, api *actions.Client) (string, error) {
	refs, err := actions.Get[references](ctx, api, api.Path("git/matching-"+s.ref()))
	if err != nil {
		return "", err
	}
	for _, r := range refs.List {
		if r.Ref == s.ref() {
			return r.Object.SHA, nil
		}
	}
	return "", nil
}

// unlisted is the commit of a branch that the list of branches lacks. "" is the
// proof that there is none: the list, which a client without permission does not
// get, lacks it, and the branch itself is not found. Either answer alone may be
// empty by mistake.
func (s *Store) unlisted(ctx context.Context, api *actions.Client) (string, error) {
	found, err := actions.Get[reference](ctx, api, api.Path("git/ref/heads/"+s.options.Branch))
	if err == nil && found.Ref != s.ref() {
		return "", &actions.AnswerError{What: s.ref(), Err: fmt.Errorf("it is %q", found.Ref)}
	}
	if refused, ok := errors.AsType[*github.ErrorResponse](err); ok && actions.Status(err) == http.StatusNotFound && refused.Message == "Not Found" {
		return "", nil
	}
	return found.Object.SHA, err
}

// files reads a commit's tree.
func files(ctx context.Context, api *actions.Client, commit string) (tree, error) {
	made, err := actions.Get[commitAnswer](ctx, api, api.Path("git/commits/"+commit))
	if err != nil {
		return nil, err
	}
	if made.SHA != commit {
		return nil, &actions.AnswerError{What: "commit " + commit, Err: fmt.Errorf("it is %s", made.SHA)}
	}
	list, err := actions.Get[treeAnswer](ctx, api, api.Path("git/trees/"+made.Tree.SHA+"?recursive=1"))
	switch {
	case err != nil:
		return nil, err
	case list.Truncated:
		return nil, errTooMany
	case list.SHA != made.Tree.SHA:
		return nil, &actions.AnswerError{What: "tree " + made.Tree.SHA, Err: fmt.Errorf("it is %s", list.SHA)}
	}
	return list.whole, nil
}

// blob reads a file's content, which is proven by its name.
func (s *Store) blob(ctx context.Context, sha string) ([]byte, error) {
	api, err := s.github()
	if err != nil {
		return nil, err
	}
	return api.Raw(ctx, api.Path("git/blobs/"+sha), store.MaxStored, func(text []byte) error {
		if got := blobID(text); got != sha {
			return fmt.Errorf("its %d bytes are %s, not %s", len(text), got, sha)
		}
		return nil
	})
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
	if errors.Is(err, errTooMany) {
		return "keep nothing but state on the branch, or use another (state.branch)"
	}
	return actions.Remedy(err, permission)
}
