// Package file keeps state in a directory: one JSON file per target,
// <dir>/<pipeline>/<target>.json, readable by people.
//
// Writers of all processes on the machine are serialised by a lock file, so
// the store compares and swaps. A file is replaced whole (written beside,
// flushed, renamed, its directory flushed): a process killed anywhere leaves
// the old record or the new one. Several records of one commit are replaced
// side by side, so a commit is not atomic.
package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"sluice/internal/store"
)

const (
	lockName = ".lock"
	// lockPoll is how often a held lock is asked for again.
	lockPoll = 5 * time.Millisecond
	// Other steps of a job may run as other users, and state holds no secrets.
	dirMode  fs.FileMode = 0o755
	fileMode fs.FileMode = 0o644
)

// Option changes how a store is opened.
type Option func(*options)

type options struct{ by string }

// By names the run that saves, for people who look at the file and for the
// conflicts of others.
func By(who string) Option { return func(o *options) { o.by = who } }

// place is a directory that keeps records.
type place struct {
	dir string

	mu   sync.Mutex
	mine map[store.Key]written
}

// written is a file as this process wrote it last.
type written struct {
	text       [sha256.Size]byte
	version    string
	generation int64
}

// Open returns the store in dir, which is created by the first Commit. It
// touches nothing itself.
func Open(dir string, with ...Option) store.Store {
	var o options
	for _, option := range with {
		option(&o)
	}
	return store.New(&place{dir: dir, mine: map[store.Key]written{}}, o.by)
}

// Facts say that the store compares and swaps, record by record.
func (s *place) Facts() store.Facts {
	return store.Facts{Name: "file:" + s.dir, Swap: true}
}

// Read reads the records. Only a file that does not exist is "never written".
func (s *place) Read(ctx context.Context, keys []store.Key) ([]store.Stored, error) {
	return s.each(ctx, keys, s.decode)
}

// each reads the files of records side by side. A record that was never written has
// none.
func (s *place) each(ctx context.Context, keys []store.Key, of func(store.Key, []byte) (store.Stored, error)) ([]store.Stored, error) {
	folders := s.folders(keys)
	return store.ReadEach(ctx, keys, func(ctx context.Context, k store.Key) (store.Stored, error) {
		if err := ctx.Err(); err != nil {
			return store.Stored{}, err
		}
		text, err := readIn(folders[k.Folder()], s.path(k))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return store.Stored{Entry: store.Entry{Key: k}}, nil
		case err != nil:
			return store.Stored{}, s.unreadable(k, "read", err)
		default:
			return of(k, text)
		}
	})
}

// List reads the names in the folder of a pipeline's kind, not the records.
func (s *place) List(_ context.Context, pipeline, kind string) ([]store.Key, error) {
	folder := store.Key{Pipeline: pipeline, Kind: kind}.Folder()
	err := s.checkFolder(folder)
	var files []fs.DirEntry
	if err == nil {
		files, err = os.ReadDir(filepath.Join(s.dir, folder))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.unreadable(store.Key{}, "list", err)
	}
	var keys []store.Key
	for _, f := range files {
		if k, ok := store.KeyOfPath(folder + "/" + f.Name()); ok {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// Swap replaces the files side by side, after all of them were found current, and
// flushes each folder once.
func (s *place) Swap(ctx context.Context, saves []store.Save) []store.Swapped {
	unlock, err := s.lock(ctx)
	if err != nil {
		return store.Failed(saves, err)
	}
	defer unlock()
	if err := s.compare(ctx, saves); err != nil {
		return store.Failed(saves, err)
	}
	folders, err := s.makeFolders(saves)
	if err != nil {
		return store.Failed(saves, s.unreadable(store.Key{}, "write", err))
	}
	swapped := store.SwapEach(saves, func(save store.Save) (store.Swapped, error) { return s.put(ctx, save) })
	for folder := range folders {
		err := syncDir(filepath.Join(s.dir, folder))
		for i, save := range saves {
			if err != nil && swapped[i].Err == nil && save.Key.Folder() == folder {
				swapped[i].Err = s.unreadable(save.Key, "write", err)
			}
		}
	}
	return swapped
}

// compare reports which saves are of records that somebody changed meanwhile. A file
// that is, byte by byte, what this process wrote as the version that is expected
// needs no decoding.
func (s *place) compare(ctx context.Context, saves []store.Save) error {
	keys, entries, expected := make([]store.Key, len(saves)), make([]store.Entry, len(saves)), map[store.Key]string{}
	for i, save := range saves {
		keys[i], entries[i], expected[save.Key] = save.Key, save.Entry, save.Version
	}
	current, err := s.each(ctx, keys, func(k store.Key, text []byte) (store.Stored, error) {
		if mine, ok := s.known(k, text); ok && mine.version == expected[k] {
			return store.Stored{Entry: store.Entry{Key: k, Version: mine.version, Generation: mine.generation}}, nil
		}
		return s.decode(k, text)
	})
	if err != nil {
		return err
	}
	return store.Compare(current, entries)
}

// makeFolders creates the folders of what is saved, and returns their names.
func (s *place) makeFolders(saves []store.Save) (map[string]bool, error) {
	folders := map[string]bool{}
	for _, save := range saves {
		folder := save.Key.Folder()
		if folders[folder] {
			continue
		}
		folders[folder] = true
		if err := makeDir(filepath.Join(s.dir, folder)); err != nil {
			return nil, err
		}
	}
	return folders, nil
}

func (s *place) path(k store.Key) string {
	return filepath.Join(s.dir, filepath.FromSlash(k.Path()))
}

// decode opens the text of a record's file.
func (s *place) decode(k store.Key, text []byte) (store.Stored, error) {
	found, err := store.Decode(k, text)
	if err != nil {
		return store.Stored{}, &store.UnreadableError{
			Key: k, Op: "read", Err: fmt.Errorf("%s: %w", s.path(k), err),
			Remedy: "restore the file from a backup, or remove it and adopt what runs today with `sluice state import`",
		}
	}
	found.Version = found.Digest
	return found, nil
}

// known is the file of a text, where this process wrote it last.
func (s *place) known(k store.Key, text []byte) (mine written, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine, ok = s.mine[k]
	return mine, ok && mine.text == sha256.Sum256(text)
}

// wrote notes what this process wrote.
func (s *place) wrote(save store.Save) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mine[save.Key] = written{sha256.Sum256(save.Text), save.Digest, save.Generation}
}

// put writes an entry, or removes it. Its folder is flushed by the caller.
func (s *place) put(ctx context.Context, save store.Save) (store.Swapped, error) {
	if err := ctx.Err(); err != nil {
		return store.Swapped{}, err
	}
	path := s.path(save.Key)
	change := func() error { return replace(path, save.Text) }
	if save.Removes() {
		change = func() error { return remove(path) }
	}
	if err := change(); err != nil {
		return store.Swapped{}, s.unreadable(save.Key, "write", err)
	}
	if save.Removes() {
		return store.Swapped{}, nil
	}
	s.wrote(save)
	return store.Swapped{Version: save.Digest, Location: path}, nil
}

// lock waits for the directory's lock until ctx ends. The kernel releases it
// when the process dies.
func (s *place) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.dir, dirMode); err != nil {
		return nil, s.unreadable(store.Key{}, "write", err)
	}
	path := filepath.Join(s.dir, lockName)
	if err := checkPlain(os.Lstat(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.unreadable(store.Key{}, "write", at(path, err))
	}
	lock := flock.New(path, flock.SetPermissions(fileMode))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, s.unreadable(store.Key{}, "write", err)
	}
	// Closing releases the lock; there is nothing to do about a failure, and
	// the process's end releases it too.
	return func() { _ = lock.Close() }, nil
}

func (s *place) unreadable(k store.Key, op string, err error) error {
	return &store.UnreadableError{
		Key: k, Op: op, Err: err,
		Remedy: "make " + s.dir + " a directory that this user can read and write, or name another with --store file:DIR",
	}
}
