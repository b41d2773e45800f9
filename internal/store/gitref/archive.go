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
	// maxArchive bounds what is unpacked, maxFiles how many files.
	maxArchive = 512 << 20
	maxFiles   = 200_000
	// archiveWait is what the archive may take: without it the files are read
	// singly, for which there must be time left.
	archiveWait = 30 * time.Second
)

// archived reads all files of a commit from its archive, one request whatever
// their number. It counts only if it is the whole of the commit's tree: git's name
// for that covers every file, so that nothing can be missing, changed or added.
func (s *branch) archived(ctx context.Context, api *actions.Client, head headAnswer) (tree, error) {
	ctx, cancel := context.WithTimeout(ctx, archiveWait)
	defer cancel()
	body, err := tarball(ctx, api, head.SHA)
	if err != nil {
		return nil, err
	}
	files, err := s.unpack(body)
	if err := errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	whole := wholeOf(files)
	if got := whole.root(); got != head.tree() {
		return nil, fmt.Errorf("the archive of commit %s holds %s instead of %s", head.SHA, got, head.tree())
	}
	return whole, nil
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

// unpack reads the files of a tar.gz, whose paths begin with a folder of GitHub's
// choice, and keeps their content.
func (s *branch) unpack(packed io.Reader) ([]node, error) {
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	in := tar.NewReader(io.LimitReader(unzipped, maxArchive))
	var files []node
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		_, path, _ := strings.Cut(header.Name, "/")
		n := node{Path: path, Mode: modeOf(header), Size: header.Size}
		if n.Mode == "" || path == "" {
			continue
		}
		if header.Size > store.MaxStored || len(files) == maxFiles {
			return nil, fmt.Errorf("%.100q of %d bytes, after %d files", path, header.Size, len(files))
		}
		text := []byte(header.Linkname) // a symbolic link's content
		if header.Typeflag == tar.TypeReg {
			if text, err = io.ReadAll(in); err != nil {
				return nil, err
			}
		}
		n.SHA = blobID(text)
		if _, ours := store.KeyOfPath(path); ours {
			s.learn(n.SHA, text)
		}
		files = append(files, n)
	}
}

// modeOf is the mode that git has for what lies in an archive, "" for what it keeps
// no content of.
func modeOf(header *tar.Header) string {
	switch {
	case header.Typeflag == tar.TypeSymlink:
		return modeLink
	case header.Typeflag != tar.TypeReg:
		return ""
	case header.Mode&0o100 != 0:
		return modeProg
	default:
		return modeFile
	}
}
