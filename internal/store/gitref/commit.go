package gitref

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/actions"
	"sluice/internal/store"
)

const (
	// tries is how often a commit is made anew because others were faster.
	tries = 40
	// transientTries is how often it is made anew because GitHub failed.
	transientTries = 3
)

// errBehind means that the branch moved since it was read.
var errBehind = errors.New("the branch moved")

// change is a commit to be: the records in their envelopes, the same at every
// try, so that a try whose answer was lost is recognised.
type change struct {
	entries []store.Entry
	texts   [][]byte
	digests []string
	blobs   []string
}

// Commit saves all records in one git commit, or none.
func (s *Store) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := store.CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	c, err := s.encode(entries)
	if err != nil {
		return nil, s.unreadable("write", err)
	}
	commit, err := s.swap(ctx, c)
	if cancelled := store.Cancelled(ctx, "write"); err != nil && cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	return s.saved(c, commit), nil
}

func (s *Store) encode(entries []store.Entry) (change, error) {
	c := change{entries: entries}
	for _, e := range entries {
		if e.Data == nil {
			c.texts, c.digests, c.blobs = append(c.texts, nil), append(c.digests, ""), append(c.blobs, "")
			continue
		}
		text, digest, err := store.Encode(e, s.options.Run.Run())
		if err != nil {
			return c, err
		}
		c.texts, c.digests, c.blobs = append(c.texts, text), append(c.digests, digest), append(c.blobs, blobID(text))
	}
	return c, nil
}

// swap tries until the commit is on the branch, a record was changed by
// somebody else, or it cannot be done.
func (s *Store) swap(ctx context.Context, c change) (commit string, err error) {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval = s.options.Wait, 10*s.options.Wait
	failures := 0
	commit, err = backoff.Retry(ctx, func() (string, error) {
		commit, err := s.try(ctx, c)
		if err == nil || errors.Is(err, errBehind) {
			return commit, err
		}
		if failures++; failures < transientTries && isTransient(err) {
			return "", err
		}
		return "", backoff.Permanent(err)
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	if errors.Is(err, errBehind) {
		return "", &store.ConflictError{Keys: keys(c.entries), Who: []string{"the branch never stood still"}}
	}
	return commit, err
}

// isTransient reports whether GitHub or the network failed, rather than
// refused. Objects may be sent again, and a lost update of the branch is
// recognised at the next try.
func isTransient(err error) bool {
	status := actions.Status(err)
	return store.IsUnreadable(err) && !errors.Is(err, actions.ErrNoToken) && (status == 0 || status >= 500)
}

func keys(entries []store.Entry) []store.Key {
	list := make([]store.Key, len(entries))
	for i, e := range entries {
		list[i] = e.Key
	}
	return list
}

// try makes the commit on top of the branch as it is now, and moves the branch
// there unless it moved meanwhile.
func (s *Store) try(ctx context.Context, c change) (string, error) {
	if err := store.Cancelled(ctx, "write"); err != nil {
		return "", err
	}
	head, err := s.read(ctx)
	if err != nil {
		return "", s.unreadable("write", err)
	}
	if head.holds(c) {
		return head.commit, nil // an earlier try whose answer was lost
	}
	current, err := s.current(ctx, head, keys(c.entries))
	if err != nil {
		return "", err
	}
	if err := store.Compare(current, c.entries); err != nil {
		return "", err
	}
	next, err := s.build(ctx, head, c)
	if err != nil {
		return "", s.unreadable("write", err)
	}
	if err := s.move(ctx, head, next); err != nil {
		return "", err
	}
	s.keep(next)
	return next.commit, nil
}

// build uploads the tree and the commit. Nothing refers to them yet. What the
// tree must be named follows from its content, so another name is no answer.
func (s *Store) build(ctx context.Context, head snapshot, c change) (snapshot, error) {
	api, err := s.github()
	if err != nil {
		return snapshot{}, err
	}
	entries, files := s.treeEntries(head, c)
	next := snapshot{files: head.files.with(files)}
	upload := map[string]any{"tree": entries}
	if head.commit != "" {
		upload["base_tree"] = head.files.root()
	}
	made, err := actions.Send[object](ctx, api, http.MethodPost, api.Path("git/trees"), upload)
	if err != nil {
		return snapshot{}, err
	}
	if made.SHA != next.files.root() {
		return snapshot{}, &actions.AnswerError{What: "the new tree", Err: fmt.Errorf("it is %s instead of %s", made.SHA, next.files.root())}
	}
	next.commit, err = s.commit(ctx, api, head.commit, made.SHA, s.message(c.entries))
	return next, err
}

func (s *Store) commit(ctx context.Context, api *actions.Client, parent, tree, message string) (string, error) {
	parents := []string{}
	if parent != "" {
		parents = append(parents, parent)
	}
	made, err := actions.Send[commitAnswer](ctx, api, http.MethodPost, api.Path("git/commits"), map[string]any{"message": message, "tree": tree, "parents": parents})
	if err != nil {
		return "", err
	}
	if err := made.is(tree, parent); err != nil {
		return "", &actions.AnswerError{What: "the new commit", Err: err}
	}
	return made.SHA, nil
}

// upload is a file of a new tree.
type upload struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Content string `json:"content"`
}

// removal is a file that the new tree lacks: GitHub takes a null for its content's
// name (docs.github.com/rest/git/trees, create a tree).
type removal struct {
	Path string  `json:"path"`
	Mode string  `json:"mode"`
	Type string  `json:"type"`
	SHA  *string `json:"sha"`
}

// treeEntries are the files to upload, and the name of each one's content.
func (s *Store) treeEntries(head snapshot, c change) (entries []any, blobs map[string]string) {
	blobs = map[string]string{}
	add := func(path, text string) {
		entries = append(entries, upload{path, modeFile, "blob", text})
		blobs[path] = blobID([]byte(text))
	}
	for i, e := range c.entries {
		if e.Data == nil {
			entries = append(entries, removal{Path: recordPath(e.Key), Mode: modeFile, Type: "blob"})
			blobs[recordPath(e.Key)] = ""
			continue
		}
		add(recordPath(e.Key), string(c.texts[i]))
	}
	if head.commit == "" {
		add("README.md", readme)
	}
	return entries, blobs
}

const readme = `# Deployment state

Sluice keeps here what was intended and what happened, one file per target. The
log of this branch is the history of every promotion. Do not edit the files:
each has a digest, and what does not match it is refused.
`

// move lets the branch point at next, only forward.
func (s *Store) move(ctx context.Context, head, next snapshot) error {
	if err := store.Cancelled(ctx, "write"); err != nil {
		return err
	}
	api, err := s.github()
	if err != nil {
		return s.unreadable("write", err)
	}
	var moved reference
	if head.commit == "" {
		moved, err = actions.Send[reference](ctx, api, http.MethodPost, api.Path("git/refs"), map[string]any{"ref": s.ref(), "sha": next.commit})
	} else {
		moved, err = actions.Send[reference](ctx, api, http.MethodPatch, api.Path("git/"+s.ref()), map[string]any{"sha": next.commit, "force": false})
	}
	if err == nil && moved.Ref == s.ref() && moved.Object.SHA == next.commit {
		return nil
	}
	if err == nil {
		err = &actions.AnswerError{What: "the move of the branch", Err: fmt.Errorf("%s is at %s instead of %s", moved.Ref, moved.Object.SHA, next.commit)}
	}
	if s.lostRace(ctx, api, head, err) {
		return errBehind
	}
	return s.unreadable("write", err)
}

// lostRace tells a branch that moved from one that may not be moved: GitHub
// answers both with 422.
func (s *Store) lostRace(ctx context.Context, api *actions.Client, head snapshot, err error) bool {
	if status := actions.Status(err); status != http.StatusUnprocessableEntity && status != http.StatusConflict {
		return false
	}
	if text := err.Error(); strings.Contains(text, "fast forward") || strings.Contains(text, "already exists") {
		return true
	}
	now, err := s.head(ctx, api)
	return err == nil && now != head.commit
}

// saved is what Commit returns once commit is on the branch.
func (s *Store) saved(c change, commit string) []store.Entry {
	saved := make([]store.Entry, len(c.entries))
	for i, e := range c.entries {
		e.Version = c.blobs[i]
		saved[i] = e
		if e.Data == nil {
			s.places.Drop(e.Key)
			continue
		}
		s.places.Add(e.Key, store.Saved{Location: s.location(e.Key, commit), Digest: c.digests[i]})
		if found, err := store.Decode(e.Key, c.texts[i]); err == nil {
			found.Version = c.blobs[i]
			s.learn(c.blobs[i], found)
		}
	}
	return saved
}

func (s *Store) location(k store.Key, commit string) string {
	server := s.options.Run.ServerURL
	if server == "" || s.options.Run.Repository == "" {
		return s.options.Branch + ":" + recordPath(k)
	}
	return fmt.Sprintf("%s/%s/blob/%s/%s", server, s.options.Run.Repository, commit, recordPath(k))
}
