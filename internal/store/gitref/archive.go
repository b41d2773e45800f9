package gitref

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sluice/internal/actions"
	"sluice/internal/store"
)

const (
	// archiveFrom is how many unread records are worth the branch's archive,
	// one request of GITHUB_TOKEN's thousand an hour, instead of one each.
	archiveFrom = 8
	// maxArchive bounds what is unpacked.
	maxArchive = 512 << 20
	// archiveWait is what the archive may take: without it the records are read
	// singly, for which there must be time left.
	archiveWait = 30 * time.Second
)

// prefetch reads the records of keys from the archive of the commit, if they
// are many. A record counts only if its content has the name that git gave it,
// so nothing depends on the archive being right; what it lacks is read singly.
func (s *Store) prefetch(ctx context.Context, head snapshot, keys []store.Key, blobs []string) {
	wanted := map[store.Key]string{}
	for i, k := range keys {
		if _, known := s.known(blobs[i]); blobs[i] != "" && !known {
			wanted[k] = blobs[i]
		}
	}
	if len(wanted) < archiveFrom {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, archiveWait)
	defer cancel()
	// An error leaves the rest to single reads, which name it.
	_ = s.archive(ctx, head.commit, func(k store.Key, text []byte) {
		blob, ok := wanted[k]
		if !ok || blobID(text) != blob {
			return
		}
		if found, err := store.Decode(k, text); err == nil {
			found.Version = blob
			s.learn(blob, found)
		}
	})
}

func (s *Store) archive(ctx context.Context, commit string, use func(store.Key, []byte)) error {
	api, err := s.github()
	if err != nil {
		return err
	}
	body, err := tarball(ctx, api, commit)
	if err != nil {
		return err
	}
	return errors.Join(unpack(body, use), body.Close())
}

// tarball asks where the archive is and fetches it there, without credentials:
// the address is enough.
func tarball(ctx context.Context, api *actions.Client, commit string) (io.ReadCloser, error) {
	address, err := api.Elsewhere(ctx, api.Path("tarball/"+commit))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := api.Plain.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("archive: %s", answer.Status), answer.Body.Close())
	}
	return answer.Body, nil
}

// unpack hands over the records of a tar.gz, whose paths begin with a folder
// of GitHub's choice.
func unpack(packed io.Reader, use func(store.Key, []byte)) error {
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	files := tar.NewReader(io.LimitReader(unzipped, maxArchive))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, path, _ := strings.Cut(header.Name, "/")
		k, ok := store.KeyOfPath(path)
		if !ok || header.Typeflag != tar.TypeReg || header.Size > store.MaxStored {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		use(k, text)
	}
}
