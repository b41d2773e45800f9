// Package artifact keeps state in the artifacts of GitHub workflow runs: one
// immutable, uniquely named artifact per target and save, found again by the
// generation in its name. It needs no infrastructure, and only the permission
// actions: read.
//
// Artifacts cannot be compared and swapped. What the store does notice is a
// newer save within the same run, and, when state is read, two different
// saves of one generation: a conflict that names both runs, until one of the
// artifacts is deleted by hand. A concurrency group of the workflow keeps both
// from happening.
//
// A name can be used once in a run, even if the artifact was deleted or never
// finished, so names end in a part that is new for every save. GitHub can
// filter its list by exact names only, so the whole list of the repository is
// read, a hundred artifacts a request.
//
// Whoever can run a workflow in the repository can upload an artifact. Only
// those of runs of this repository, not of a fork, on a branch that may change
// state are looked at.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/guard"
	"sluice/internal/store"
)

// atOnce bounds the records that are up- or downloaded side by side.
const atOnce = 8

// Options are what a store needs. The functions are called when the store is
// first used.
type Options struct {
	Runs   func() (*artifact.Client, error) // the artifacts of this run
	GitHub func() (*actions.Client, error)  // those of the repository's other runs
	Run    actions.Context                  // this run
	// Branches are those whose runs may change state; empty means the default
	// branch.
	Branches []string
	Warn     func(message string) // nil drops warnings
	Now      func() time.Time     // nil means time.Now
}

// Store keeps records in artifacts. Create one with [Open].
type Store struct {
	options Options
	runs    func() (*artifact.Client, error)
	github  func() (*actions.Client, error)
	places  store.Places

	mu       sync.Mutex
	last     map[store.Key]store.Stored // what this process saved last
	seen     map[store.Key]store.Stored // what this process loaded last
	graves   map[store.Key]int64        // the generations at which entries were removed
	created  map[store.Key]bool         // entries of which there is nothing but what this process saved
	warned   map[string]bool
	branches []string // resolved
	home     int64    // this repository's id, resolved
}

// Open returns the store. It sends nothing before its first use.
func Open(options Options) store.Store {
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Store{
		options: options,
		last:    map[store.Key]store.Stored{}, seen: map[store.Key]store.Stored{}, graves: map[store.Key]int64{}, created: map[store.Key]bool{}, warned: map[string]bool{},
		runs: sync.OnceValues(options.Runs), github: sync.OnceValues(options.GitHub),
	}
}

// Facts say that the store cannot swap, and that GitHub authenticated whoever
// writes.
func (s *Store) Facts() store.Facts { return store.Facts{Name: "artifact", Identity: true} }

// Where lists the artifacts of this process's commits.
func (s *Store) Where() []store.Saved { return s.places.List() }

// Load finds each target's highest generation and reads it. A newer artifact
// that is no longer there when it is read was replaced by a newer one still,
// so the search starts again.
func (s *Store) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := store.CheckKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	const searches = 3
	for search := 1; ; search++ {
		entries, err := s.load(ctx, keys)
		if cancelled := store.Cancelled(ctx, "read"); cancelled != nil {
			return nil, cancelled
		}
		if search < searches && isGone(err) {
			continue
		}
		return entries, err
	}
}

func (s *Store) load(ctx context.Context, keys []store.Key) ([]store.Entry, error) {
	if err := store.Cancelled(ctx, "read"); err != nil {
		return nil, err
	}
	found, err := s.find(ctx, "read")
	if err != nil {
		return nil, err
	}
	entries := make([]store.Entry, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, k := range keys {
		group.Go(func() error {
			return guard.Do("read state of "+k.String(), func() (err error) {
				entries[i], err = s.newest(ctx, k, found[k])
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return entries, nil
}

// newest reads the highest generation among a target's artifacts and what this
// process saved itself, which the list may not show yet.
func (s *Store) newest(ctx context.Context, k store.Key, found []candidate) (store.Entry, error) {
	best, err := choose(k, found)
	if err != nil {
		return store.Entry{}, err
	}
	if best != nil && best.generation <= s.grave(k) {
		return store.Entry{Key: k}, nil // removed, which the list may not show yet
	}
	if mine, ok := s.mine(k); ok && (best == nil || best.generation < mine.Generation) {
		return mine.Entry, nil
	}
	if best == nil {
		return store.Entry{Key: k}, nil
	}
	if err := usable(*best); err != nil {
		return store.Entry{}, err
	}
	s.warnOfExpiry(*best)
	entry, err := s.read(ctx, *best)
	if err != nil {
		return entry, err
	}
	saved := store.Stored{Entry: entry, By: fmt.Sprintf("run %d", best.run)}
	if saved.IsRemoval() {
		s.bury(k, entry.Generation)
		return store.Entry{Key: k}, nil
	}
	s.saw(saved)
	return entry, nil
}

// bury notes that an entry was removed: a later save of it needs a higher
// generation to be found.
func (s *Store) bury(k store.Key, generation int64) {
	s.places.Drop(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.graves[k] = max(s.graves[k], generation)
	delete(s.seen, k)
	delete(s.last, k)
}

func (s *Store) saw(found store.Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[found.Key] = found
}

// warn says everything once.
func (s *Store) warn(message string) {
	s.mu.Lock()
	again := s.warned[message]
	s.warned[message] = true
	s.mu.Unlock()
	if !again {
		s.options.Warn(message)
	}
}

// usable refuses the newest record where it cannot be read or trusted: the one
// before it is not the state.
func usable(c candidate) error {
	switch {
	case c.unproven:
		return &store.UnreadableError{
			Key: c.key, Op: "read", Err: fmt.Errorf("GitHub does not say which run uploaded artifact %s", c.name),
			Remedy: "delete the artifact if nobody knows it",
		}
	case c.expired:
		return &store.UnreadableError{
			Key: c.key, Op: "read", Err: fmt.Errorf("%w: artifact %s of run %d", actions.ErrExpired, c.name, c.run),
			Remedy: "adopt what runs today with `sluice state import`, and keep state in a store that does not expire (state: {store: git})",
		}
	}
	return nil
}

// soon is how long before the newest state's expiry people are warned.
const soon = 14 * 24 * time.Hour

func (s *Store) warnOfExpiry(c candidate) {
	if c.expires.IsZero() || c.expires.Sub(s.options.Now()) > soon {
		return
	}
	s.warn(fmt.Sprintf("the state of %s expires on %s with artifact %s: the next promotion renews it, `sluice state migrate --to-store git` keeps it for good",
		c.key, c.expires.UTC().Format(time.DateOnly), c.name))
}

// List returns the entries of one kind that have an artifact which counts. One
// whose artifact says that it is removed is among them: only reading it tells.
func (s *Store) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if err := store.CheckList(pipeline, kind); err != nil {
		return nil, err
	}
	if err := store.Cancelled(ctx, "list"); err != nil {
		return nil, err
	}
	found, err := s.find(ctx, "list")
	if cancelled := store.Cancelled(ctx, "list"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	var keys []store.Key
	for k := range found {
		if k.Pipeline == pipeline && k.Kind == kind {
			keys = append(keys, k)
		}
	}
	store.SortKeys(keys)
	return keys, nil
}

func (s *Store) grave(k store.Key) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.graves[k]
}

func (s *Store) mine(k store.Key) (store.Stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine, ok := s.last[k]
	return mine, ok
}

// isGone reports whether an artifact vanished between the list and the
// download.
func isGone(err error) bool {
	return errors.Is(err, artifact.ErrNotFound) || errors.Is(err, errDownload) && actions.Status(err) == http.StatusNotFound
}
