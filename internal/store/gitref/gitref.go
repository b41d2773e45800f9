// Package gitref keeps state on a branch of the repository, one file per
// target, through GitHub's REST API: no clone, no git program.
//
// A commit of any number of records is one git commit on top of the branch as
// it was read, and the branch moves only forward, so the store compares, swaps
// and is atomic. Who loses the race for the branch reads it again: where the
// winner changed other targets, the commit is made anew on top, else it is a
// conflict. The branch starts without history, and its log reads as an audit
// log. It needs the permission contents: write.
package gitref

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/internal/actions"
	"sluice/internal/guard"
	"sluice/internal/store"
)

// DefaultBranch is where state is kept unless the pipeline file says otherwise.
const DefaultBranch = "sluice-state"

const (
	permission = "contents: write"
	// atOnce bounds the records that are read side by side.
	atOnce = 8
)

// Options are what a store needs.
type Options struct {
	GitHub func() (*actions.Client, error) // called when the store is first used
	Branch string                          // "" means DefaultBranch
	Run    actions.Context                 // this run, for the log and for conflicts of others
	// Describe says in one line what a save is about, for the log; nil for
	// nothing.
	Describe func(store.Entry) string
	Wait     time.Duration // before the first repetition; 0 means 200 ms
}

// Store keeps records on a branch. Create one with [Open].
type Store struct {
	options Options
	github  func() (*actions.Client, error)
	places  store.Places

	mu      sync.Mutex
	last    snapshot                // the branch as last read or written
	records map[string]store.Stored // by blob: blobs never change
}

var branchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$`)

// Open returns the store. It sends nothing before its first use.
func Open(options Options) (store.Store, error) {
	if options.Branch == "" {
		options.Branch = DefaultBranch
	}
	if options.Wait == 0 {
		options.Wait = 200 * time.Millisecond
	}
	if err := checkBranch(options.Branch, options.Run.DefaultBranch); err != nil {
		return nil, err
	}
	return &Store{options: options, github: sync.OnceValues(options.GitHub), records: map[string]store.Stored{}}, nil
}

func checkBranch(branch, code string) error {
	if !branchName.MatchString(branch) || strings.Contains(branch, "..") || strings.Contains(branch, "//") ||
		strings.HasSuffix(branch, "/") || strings.HasSuffix(branch, ".lock") || strings.HasSuffix(branch, ".") {
		return fmt.Errorf("state.branch: %q is not a branch name; give one such as %s", branch, DefaultBranch)
	}
	if branch == code {
		return fmt.Errorf("state.branch: %s is the repository's default branch; state needs one of its own, such as %s", branch, DefaultBranch)
	}
	return nil
}

// Facts say that the store swaps, is atomic, and that GitHub authenticated
// whoever writes.
func (s *Store) Facts() store.Facts {
	return store.Facts{Name: "git", Swap: true, Atomic: true, Identity: true}
}

// Where lists the files of this process's commits, at the commit.
func (s *Store) Where() []store.Saved { return s.places.List() }

// Load reads the records as one commit of the branch has them. That the branch
// does not exist is proven by an empty answer, not by a 404, which may be a
// missing permission.
func (s *Store) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := store.CheckKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	if err := store.Cancelled(ctx, "read"); err != nil {
		return nil, err
	}
	entries, err := s.load(ctx, keys)
	if cancelled := store.Cancelled(ctx, "read"); cancelled != nil {
		return nil, cancelled
	}
	return entries, err
}

func (s *Store) load(ctx context.Context, keys []store.Key) ([]store.Entry, error) {
	head, err := s.read(ctx)
	if err != nil {
		return nil, s.unreadable("read", err)
	}
	found, err := s.current(ctx, head, keys)
	if err != nil {
		return nil, err
	}
	entries := make([]store.Entry, len(keys))
	for i, f := range found {
		entries[i] = f.Entry
	}
	return entries, nil
}

// current reads the records of keys in a snapshot.
func (s *Store) current(ctx context.Context, head snapshot, keys []store.Key) ([]store.Stored, error) {
	blobs := make([]string, len(keys))
	for i, k := range keys {
		var err error
		if blobs[i], err = head.files.blob(k); err != nil {
			return nil, s.refused(k, err)
		}
	}
	s.prefetch(ctx, head, keys, blobs)
	found := make([]store.Stored, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, k := range keys {
		if found[i].Key = k; blobs[i] == "" {
			continue
		}
		group.Go(func() error {
			return guard.Do("read state of "+k.String(), func() (err error) {
				found[i], err = s.record(ctx, k, blobs[i])
				return err
			})
		})
	}
	return found, group.Wait()
}

// record reads one blob, or remembers it.
func (s *Store) record(ctx context.Context, k store.Key, blob string) (store.Stored, error) {
	if known, ok := s.known(blob); ok {
		return known, nil
	}
	text, err := s.blob(ctx, blob)
	if err != nil {
		return store.Stored{}, s.unreadableKey(k, "read", err)
	}
	found, err := store.Decode(k, text)
	if err != nil {
		return store.Stored{}, s.refused(k, fmt.Errorf("%s: %w", recordPath(k), err))
	}
	found.Version = blob
	s.learn(blob, found)
	return found, nil
}

// refused is about a file of the branch that holds no record.
func (s *Store) refused(k store.Key, err error) error {
	return &store.UnreadableError{
		Key: k, Op: "read", Err: fmt.Errorf("branch %s: %w", s.options.Branch, err),
		Remedy: "revert the commit that changed the file, or remove the file and adopt what runs today with `sluice state import`",
	}
}

func (s *Store) known(blob string) (store.Stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.records[blob]
	return found, ok
}

func (s *Store) learn(blob string, found store.Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[blob] = found
}

// List returns the entries of one kind that have a file.
func (s *Store) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if err := store.CheckList(pipeline, kind); err != nil {
		return nil, err
	}
	if err := store.Cancelled(ctx, "list"); err != nil {
		return nil, err
	}
	head, err := s.read(ctx)
	if cancelled := store.Cancelled(ctx, "list"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, s.unreadable("list", err)
	}
	var keys []store.Key
	for path := range head.files {
		if k, ok := store.KeyOfPath(path); ok && k.Kind == kind && k.Pipeline == pipeline {
			keys = append(keys, k)
		}
	}
	store.SortKeys(keys)
	return keys, nil
}
