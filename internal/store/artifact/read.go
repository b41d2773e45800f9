package artifact

import (
	"context"
	"errors"
	"fmt"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

// entryName is the one file in an artifact's zip.
const entryName = "record.json"

// limits of a zip file that holds one record. JSON packs well, a bomb better.
var limits = artifact.Limits{Entries: 1, Size: store.MaxStored, Ratio: 200}

// maxZip is the most that is downloaded.
const maxZip = store.MaxStored + 1<<10

// errDownload marks errors of the download itself.
var errDownload = errors.New("the artifact cannot be downloaded")

// read downloads a candidate and proves that it is what was saved.
func (s *Store) read(ctx context.Context, c candidate) (store.Entry, error) {
	zip, err := s.download(ctx, c)
	if cancelled := store.Cancelled(ctx, "read"); cancelled != nil {
		return store.Entry{}, cancelled
	}
	if err != nil {
		return store.Entry{}, &store.UnreadableError{
			Key: c.key, Op: "read", Err: fmt.Errorf("artifact %s of run %d: %w", c.name, c.run, err), Remedy: actions.Remedy(err, permission),
		}
	}
	found, err := open(c, zip)
	if err != nil {
		return store.Entry{}, &store.UnreadableError{
			Key: c.key, Op: "read", Err: fmt.Errorf("artifact %s of run %d: %w", c.name, c.run, err),
			Remedy: "delete that artifact to go back to the state before it, then compare with `sluice status`",
		}
	}
	found.Version = c.name
	return found.Entry, nil
}

func (s *Store) download(ctx context.Context, c candidate) ([]byte, error) {
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	if c.own != nil {
		return runs.Download(ctx, *c.own, maxZip)
	}
	github, err := s.github()
	if err != nil {
		return nil, err
	}
	signed, err := github.ArtifactURL(ctx, c.id)
	if err != nil {
		return nil, errors.Join(errDownload, err)
	}
	return runs.DownloadSigned(ctx, signed, c.digest, maxZip)
}

// open checks every digest on the way: the zip file's, the envelope's, and the
// one in the name.
func open(c candidate, zip []byte) (store.Stored, error) {
	if got := store.Sum(zip); c.digest != "" && got != c.digest {
		return store.Stored{}, fmt.Errorf("the zip file has digest %s, GitHub says %s", got, c.digest)
	}
	files, err := artifact.Unpack(zip, limits)
	if err != nil {
		return store.Stored{}, err
	}
	text, ok := files[entryName]
	if !ok {
		return store.Stored{}, fmt.Errorf("it lacks %s", entryName)
	}
	found, err := store.Decode(c.key, text)
	if err != nil {
		return store.Stored{}, err
	}
	if found.Generation != c.generation || mark(found.Digest) != c.mark {
		return store.Stored{}, fmt.Errorf("it holds generation %d, save %s: its name was given to something else", found.Generation, mark(found.Digest))
	}
	return found, nil
}
