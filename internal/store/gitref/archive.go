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

	"sluice/internal/actions"
	"sluice/internal/actions/endpoint"
	"sluice/internal/store"
)

const (
	// archiveFrom is how many unread records are worth the branch's archive,
	// one request of GITHUB_TOKEN's thousand an hour, instead of one each.
	archiveFrom = 8
	// maxArchive bounds what is unpacked.
	maxArchive = 512 << 20
)

// prefetch reads the records of keys from the archive of the commit, if they
// are many. A record counts only if its content has the name that git gave it,
// so nothing depends on the archive being right; what it lacks is read singly.
func (s *Store) prefetch(ctx context.Context, head snapshot, keys []store.Key) {
	wanted := map[store.Key]string{}
	for _, k := range keys {
		blob, ok := head.files[k]
		if _, known := s.known(blob); ok && !known {
			wanted[k] = blob
		}
	}
	if len(wanted) < archiveFrom {
		return
	}
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

// tarball asks where the archive is and fetches it there. The client adds its
// token for the API's own host alone; elsewhere the address is enough.
func tarball(ctx context.Context, api *actions.Client, commit string) (io.ReadCloser, error) {
	request, err := api.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/tarball/%s", api.Owner, api.Name, commit), nil)
	if err != nil {
		return nil, err
	}
	moved, err := api.HTTP.Do(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := moved.Body.Close(); err != nil {
		return nil, err
	}
	address, err := endpoint.Check("the archive's address", moved.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	request, err = http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := api.HTTP.Do(request)
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
		k, ok := keyOf(path)
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
