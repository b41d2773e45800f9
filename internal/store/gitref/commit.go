package gitref

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/go-github/v60/github"

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
		text, digest, err := store.Encode(e, s.options.Run.Run())
		if err != nil {
			return c, err
		}
		c.texts, c.digests, c.blobs = append(c.texts, text), append(c.digests, digest), append(c.blobs, blobID(text))
	}
	return c, nil
}

// blobID is git's name for a file's content.
func blobID(text []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(text)), text...))
	return hex.EncodeToString(sum[:])
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

// build uploads the tree and the commit. Nothing refers to them yet.
func (s *Store) build(ctx context.Context, head snapshot, c change) (snapshot, error) {
	api, err := s.github()
	if err != nil {
		return snapshot{}, err
	}
	tree, _, err := api.Git.CreateTree(ctx, api.Owner, api.Name, head.tree, s.treeEntries(head, c))
	if err != nil {
		return snapshot{}, err
	}
	commit := &github.Commit{Message: github.String(s.message(c.entries)), Tree: tree}
	if head.commit != "" {
		commit.Parents = []*github.Commit{{SHA: github.String(head.commit)}}
	}
	made, _, err := api.Git.CreateCommit(ctx, api.Owner, api.Name, commit, nil)
	if err != nil {
		return snapshot{}, err
	}
	return head.with(made.GetSHA(), tree.GetSHA(), c), nil
}

func (s *Store) treeEntries(head snapshot, c change) []*github.TreeEntry {
	file := func(path, text string) *github.TreeEntry {
		return &github.TreeEntry{Path: &path, Mode: github.String("100644"), Type: github.String("blob"), Content: &text}
	}
	var entries []*github.TreeEntry
	for i, e := range c.entries {
		entries = append(entries, file(path(e.Key), string(c.texts[i])))
	}
	if head.commit == "" {
		entries = append(entries, file("README.md", readme))
	}
	return entries
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
	ref := &github.Reference{
		Ref:    github.String("refs/heads/" + s.options.Branch),
		Object: &github.GitObject{SHA: github.String(next.commit)},
	}
	if head.commit == "" {
		_, _, err = api.Git.CreateRef(ctx, api.Owner, api.Name, ref)
	} else {
		_, _, err = api.Git.UpdateRef(ctx, api.Owner, api.Name, ref, false)
	}
	if err == nil {
		return nil
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
		return s.options.Branch + ":" + path(k)
	}
	return fmt.Sprintf("%s/%s/blob/%s/%s", server, s.options.Run.Repository, commit, path(k))
}
