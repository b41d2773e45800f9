package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"sluice/internal/actions/artifact"
	"sluice/internal/guard"
	"sluice/internal/store"
)

// Commit uploads one artifact per entry, and deletes this run's older ones of
// the same target once the new one is finalised: killed anywhere between,
// nothing is lost.
func (s *Store) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := store.CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	if err := store.Cancelled(ctx, "write"); err != nil {
		return nil, err
	}
	entries = slices.Clone(entries)
	older, err := s.prepare(ctx, entries)
	if cancelled := store.Cancelled(ctx, "write"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	versions, errs := make([]string, len(entries)), make([]error, len(entries))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, e := range entries {
		group.Go(func() error {
			errs[i] = guard.Do("write state of "+e.Key.String(), func() (err error) {
				if e.Data == nil {
					return s.remove(ctx, e, older[e.Key])
				}
				entries[i].Generation = s.above(e)
				if versions[i], err = s.save(ctx, entries[i]); err == nil {
					s.sweep(ctx, older[e.Key])
				}
				return err
			})
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	var saved []store.Entry
	for i, e := range entries {
		if e.Version = versions[i]; errs[i] == nil {
			saved = append(saved, e)
		}
	}
	return saved, errors.Join(errs...)
}

// above is the generation that an entry is saved with: one that was removed before
// needs a higher one to be found.
func (s *Store) above(e store.Entry) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Version != "" {
		return e.Generation
	}
	s.created[e.Key] = s.graves[e.Key] == 0
	return max(e.Generation, s.graves[e.Key]+1)
}

// remove saves that an entry is removed, and deletes what this run saved of it.
// Where there is nothing else of it, that is deleted too.
func (s *Store) remove(ctx context.Context, e store.Entry, older []candidate) error {
	tombstone, err := s.save(ctx, e)
	if err != nil {
		return err
	}
	s.sweep(ctx, older)
	s.mu.Lock()
	alone := s.created[e.Key]
	s.mu.Unlock()
	s.bury(e.Key, e.Generation)
	if !alone {
		return nil
	}
	own, err := s.findOwn(ctx, "write")
	if err != nil {
		return nil // what stays behind is harmless
	}
	s.sweep(ctx, slices.DeleteFunc(own, func(c candidate) bool { return c.name != tombstone }))
	return nil
}

// prepare refuses what must not be saved, and returns this run's artifacts by
// target.
func (s *Store) prepare(ctx context.Context, entries []store.Entry) (map[store.Key][]candidate, error) {
	if err := s.mayChange(ctx); err != nil {
		return nil, err
	}
	own, err := s.findOwn(ctx, "write")
	if err != nil {
		return nil, err
	}
	found := map[store.Key][]candidate{}
	for _, c := range own {
		found[c.key] = append(found[c.key], c)
	}
	current := make([]store.Stored, len(entries))
	for i, e := range entries {
		if current[i], err = s.known(e, found[e.Key]); err != nil {
			return nil, err
		}
	}
	return found, store.Compare(current, entries)
}

// known is the newest save of a target that this run and this process know of.
// What other runs saved since is not asked: the store cannot swap anyway.
func (s *Store) known(e store.Entry, own []candidate) (store.Stored, error) {
	best, err := choose(e.Key, own)
	if err != nil {
		return store.Stored{}, err
	}
	s.mu.Lock()
	if grave := s.graves[e.Key]; best != nil && best.generation <= grave {
		best = nil
	}
	newest := s.last[e.Key]
	if seen := s.seen[e.Key]; seen.Generation > newest.Generation {
		newest = seen
	}
	s.mu.Unlock()
	if best != nil && best.generation > newest.Generation {
		by := fmt.Sprintf("another job of run %d", s.options.Run.RunID)
		newest = store.Stored{Entry: store.Entry{Version: best.name, Generation: best.generation}, By: by}
	}
	if newest.Generation > 0 {
		return newest, nil
	}
	// Nothing is known: the version was loaded by another process.
	c, _ := parseName(e.Version)
	return store.Stored{Entry: store.Entry{Version: e.Version, Generation: c.generation}}, nil
}

// save uploads one record under a name of its own. Where the name is used
// already, an earlier attempt of the upload was answered too late; the name is
// lost, and the record gets another envelope and with it another name.
func (s *Store) save(ctx context.Context, e store.Entry) (version string, err error) {
	const names = 3
	for range names {
		if err := store.Cancelled(ctx, "write"); err != nil {
			return "", err
		}
		version, err = s.upload(ctx, e)
		if !errors.Is(err, artifact.ErrExists) {
			break
		}
	}
	if cancelled := store.Cancelled(ctx, "write"); err != nil && cancelled != nil {
		return "", cancelled
	}
	if err != nil {
		return "", &store.UnreadableError{Key: e.Key, Op: "write", Err: err, Remedy: uploadRemedy(err)}
	}
	return version, nil
}

func uploadRemedy(err error) string {
	if errors.Is(err, artifact.ErrQuota) {
		return "delete artifacts or raise the account's storage limit, or keep state elsewhere (state: {store: git})"
	}
	return "run the job again; the artifact service did not take the record"
}

func (s *Store) upload(ctx context.Context, e store.Entry) (version string, err error) {
	encode := store.Encode
	if e.Data == nil {
		encode = store.EncodeRemoval
	}
	text, digest, err := encode(e, s.options.Run.Run())
	if err != nil {
		return "", err
	}
	zip, err := artifact.Pack(entryName, text, limits)
	if err != nil {
		return "", err
	}
	runs, err := s.runs()
	if err != nil {
		return "", err
	}
	name := artifactName(e.Key, e.Generation, digest)
	if _, err := runs.Upload(ctx, name, zip); err != nil {
		return "", err
	}
	e.Version = name
	s.remember(e, digest)
	return name, nil
}

// remember keeps a save for Loads of this process that the service's lists do
// not show yet.
func (s *Store) remember(e store.Entry, digest string) {
	s.mu.Lock()
	e.Data = compact(e.Data)
	s.last[e.Key] = store.Stored{Entry: e, By: s.options.Run.Run(), Digest: digest}
	s.mu.Unlock()
	s.places.Add(e.Key, store.Saved{Location: e.Version, Digest: digest})
}

// sweep deletes a target's older artifacts of this run. What stays behind is
// harmless, so failures are only warned of.
func (s *Store) sweep(ctx context.Context, older []candidate) {
	runs, err := s.runs()
	if err != nil {
		return
	}
	for _, c := range older {
		if ctx.Err() != nil {
			return
		}
		if err := runs.Delete(ctx, *c.own); err != nil && !errors.Is(err, artifact.ErrNotFound) && ctx.Err() == nil {
			s.warn(fmt.Sprintf("artifact %s is older state and could not be deleted: %v", c.name, err))
		}
	}
}
