package artifact

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

// isGHE is GitHub's own cloud under a name of its customer's.
var isGHE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^https://[a-z0-9-]+\.ghe\.com$`) })

// errDownload marks errors of the download itself.
var errDownload = errors.New("the artifact cannot be downloaded")

// errReplaced marks an artifact of this run that is asked for by its name, which
// another may have by now.
var errReplaced = errors.New("it was damaged, or replaced while it was read")

// read downloads a snapshot and proves that it is what was saved. It is nil for an
// upload that was begun and nothing sent: act lists those; GitHub does not.
func (s *shelves) read(ctx context.Context, op string, c candidate) (*snapshot, error) {
	refuse := func(err error, remedy string) error {
		return &store.UnreadableError{Op: op, Err: fmt.Errorf("state of %s: artifact %s of run %d: %w", c.pipeline, c.name, c.run, err), Remedy: remedy}
	}
	zip, err := s.download(ctx, c)
	if limit, ok := errors.AsType[*actions.RateLimitError](err); ok {
		return nil, &store.BusyError{Op: op, Until: s.options.Clock.Now().Add(limit.RetryAfter), Err: err}
	}
	if err != nil && !errors.Is(err, artifact.ErrDigest) {
		return nil, refuse(err, actions.Remedy(err, permission))
	}
	if s.options.Run.Act && err == nil && len(zip) == 0 {
		return nil, nil
	}
	var read *snapshot
	if err == nil {
		read, err = unpack(c.pipeline, zip)
	}
	if err != nil {
		return nil, refuse(err, "delete that artifact to go back to the state before it, then compare with `sluice status`")
	}
	for _, i := range read.Entries {
		if i.Origin.ID == read.id {
			i.Run = c.run // as GitHub has it
		}
	}
	return read, nil
}

func (s *shelves) download(ctx context.Context, c candidate) ([]byte, error) {
	if c.own != nil {
		runs, err := s.runs()
		if err != nil {
			return nil, err
		}
		zip, err := runs.Download(ctx, *c.own, maxZip)
		if errors.Is(err, artifact.ErrDigest) {
			err = errors.Join(errReplaced, err)
		}
		return zip, err
	}
	github, err := s.github()
	if err != nil {
		return nil, err
	}
	zip, err := github.Artifact(ctx, c.id, maxZip, func(zip []byte) error {
		if got := store.Sum(zip); c.digest != "" && got != c.digest {
			return fmt.Errorf("%w: the zip file has digest %s, GitHub says %s", artifact.ErrDigest, got, c.digest)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(errDownload, err)
	}
	return zip, nil
}
