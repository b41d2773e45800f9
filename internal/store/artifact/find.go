package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

const permission = "actions: read"

// candidate is one artifact that may hold a target's newest record.
type candidate struct {
	name       string
	key        store.Key
	generation int64
	mark       string

	own     *artifact.Artifact // of this run; nil for another run's
	id      int64              // by the REST API, for another run's
	run     int64
	digest  string // of the zip file, "" where unknown
	expired bool
	expires time.Time // zero where unknown
	// unproven means that GitHub no longer says which run uploaded it.
	unproven bool
}

// find lists what counts as state, by target: this run's artifacts, which the
// artifact service shows at once, and all others of the repository, among them
// what an earlier attempt of this run may have left.
func (s *Store) find(ctx context.Context, op string) (map[store.Key][]candidate, error) {
	found := map[store.Key][]candidate{}
	own, err := s.findOwn(ctx, op)
	if err != nil {
		return nil, err
	}
	others, err := s.findOthers(ctx, op)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, c := range append(own, others...) {
		if !names[c.name] {
			found[c.key] = append(found[c.key], c)
		}
		names[c.name] = true
	}
	return found, nil
}

func (s *Store) findOwn(ctx context.Context, op string) ([]candidate, error) {
	runs, err := s.runs()
	if err != nil {
		return nil, noService(op, err)
	}
	list, err := s.listOwn(ctx, runs)
	if err != nil {
		return nil, &store.UnreadableError{Op: op, Err: err, Remedy: "run the job again; the artifact service did not answer"}
	}
	var found []candidate
	for _, a := range list {
		if c, ok := parseName(a.Name); ok {
			c.own, c.run, c.digest = &a, s.options.Run.RunID, a.Digest
			found = append(found, c)
		}
	}
	if s.options.Run.Act {
		found = slices.DeleteFunc(found, func(c candidate) bool { return unfinished(ctx, runs, c) })
	}
	return found, nil
}

// listOwn lists this run's artifacts. An answer without a list is no proof that
// there are none: where GitHub's REST API, which counts them, knows of some, the
// service is asked again. If it stays with that answer they are of an earlier
// attempt, and find has them from the REST API alone.
func (s *Store) listOwn(ctx context.Context, runs *artifact.Client) ([]artifact.Artifact, error) {
	const looks = 3
	for look := 1; ; look++ {
		list, err := runs.List(ctx, "")
		if !errors.Is(err, artifact.ErrUnproven) {
			return list, err
		}
		github, missing := s.github()
		if missing != nil {
			return nil, errors.Join(err, missing)
		}
		some, refused := github.HasArtifacts(ctx, s.options.Run.RunID)
		if refused != nil {
			return nil, errors.Join(err, refused)
		}
		if !some || look == looks {
			return nil, nil
		}
	}
}

// unfinished reports whether an upload was begun and nothing sent. act lists
// such artifacts; GitHub does not.
func unfinished(ctx context.Context, runs *artifact.Client, c candidate) bool {
	zip, err := runs.Download(ctx, *c.own, maxZip)
	return err == nil && len(zip) == 0
}

func noService(op string, err error) error {
	return &store.UnreadableError{Op: op, Err: err, Remedy: "use sluice as an action (uses: …), or another store: state: {store: git}, or --store file:DIR outside Actions"}
}

// findOthers lists the artifacts of other runs. act has no REST API for them:
// there, without a token, only those of this run are looked at, which all of
// act's runs share unless they are given ids.
func (s *Store) findOthers(ctx context.Context, op string) ([]candidate, error) {
	github, err := s.github()
	if s.options.Run.Act && errors.Is(err, actions.ErrNoToken) {
		return nil, nil
	}
	if err != nil {
		return nil, denied(op, err)
	}
	list, err := github.Artifacts(ctx)
	if err != nil {
		return nil, denied(op, err)
	}
	var found []candidate
	for _, a := range list {
		c, ok := parseName(a.Name)
		if !ok {
			continue
		}
		c.id, c.digest, c.expired, c.expires = a.ID, a.Digest, a.Expired, a.ExpiresAt
		if a.Run == nil || a.Run.RepositoryID == 0 || a.Run.HeadRepositoryID == 0 || a.Run.HeadBranch == "" {
			c.unproven = true
			found = append(found, c)
			continue
		}
		c.run = a.Run.ID
		trusted, err := s.trusted(ctx, a)
		if err != nil {
			return nil, &store.UnreadableError{Key: c.key, Op: op, Err: err, Remedy: actions.Remedy(err, permission)}
		}
		if trusted {
			found = append(found, c)
		}
	}
	return found, nil
}

func denied(op string, err error) error {
	remedy := actions.Remedy(err, permission)
	if errors.Is(err, actions.ErrMoving) {
		remedy = "run again"
	}
	return &store.UnreadableError{Op: op, Err: err, Remedy: remedy}
}

// choose returns the candidate of the highest generation, nil where there is
// none. Two different saves of that generation are a conflict: neither run
// knew of the other.
func choose(k store.Key, found []candidate) (*candidate, error) {
	if len(found) == 0 {
		return nil, nil
	}
	highest := slices.MaxFunc(found, func(a, b candidate) int { return int(min(max(a.generation-b.generation, -1), 1)) })
	var who []string
	var marks []string
	for _, c := range found {
		if c.generation != highest.generation || slices.Contains(marks, c.mark) {
			continue
		}
		marks = append(marks, c.mark)
		who = append(who, fmt.Sprintf("run %d saved artifact %s", c.run, c.name))
	}
	if len(marks) > 1 {
		who = append(who, "delete the artifact that is wrong, and give the workflow a concurrency group")
		return nil, &store.ConflictError{Keys: []store.Key{k}, Who: who}
	}
	return &highest, nil
}
