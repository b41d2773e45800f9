// Package file keeps state in a directory: one JSON file per target,
// <dir>/<pipeline>/<target>.json, readable by people.
//
// Writers of all processes on the machine are serialised by a lock file, so
// the store compares and swaps. A file is replaced whole (written beside,
// flushed, renamed, its directory flushed): a process killed anywhere leaves
// the old record or the new one. Several records of one commit are replaced
// one after the other, so a commit is not atomic.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
type Option func(*Store)

// By names the run that saves, for people who look at the file and for the
// conflicts of others.
func By(who string) Option { return func(s *Store) { s.by = who } }

// Store keeps records under a directory. Create one with [Open].
type Store struct {
	dir    string
	by     string
	places store.Places
}

// Open returns the store in dir, which is created by the first Commit. It
// touches nothing itself.
func Open(dir string, options ...Option) store.Store {
	s := &Store{dir: dir}
	for _, option := range options {
		option(s)
	}
	return s
}

// Facts say that the store compares and swaps, record by record.
func (s *Store) Facts() store.Facts {
	return store.Facts{Name: "file:" + s.dir, Swap: true}
}

// Load reads the records. Only a file that does not exist is "never written".
func (s *Store) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := store.CheckKeys(keys); err != nil {
		return nil, err
	}
	entries := make([]store.Entry, len(keys))
	for i, k := range keys {
		if err := store.Cancelled(ctx, "read"); err != nil {
			return nil, err
		}
		found, err := s.read(k)
		if err != nil {
			return nil, err
		}
		entries[i] = found.Entry
	}
	return entries, nil
}

// List reads the names in the folder of a pipeline's kind, not the records.
func (s *Store) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if err := store.Cancelled(ctx, "list"); err != nil {
		return nil, err
	}
	if err := store.CheckList(pipeline, kind); err != nil {
		return nil, err
	}
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
	store.SortKeys(keys) // names with ".json" sort otherwise
	return keys, nil
}

// Commit replaces the records one after the other, after all of them were
// found current.
func (s *Store) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := store.CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.compare(entries); err != nil {
		return nil, err
	}
	var saved []store.Entry
	for _, e := range entries {
		if err := store.Cancelled(ctx, "write"); err != nil {
			return saved, err
		}
		if e.Version, err = s.put(e); err != nil {
			return saved, s.unreadable(e.Key, "write", err)
		}
		saved = append(saved, e)
	}
	return saved, nil
}

// Where lists the files of this process's commits.
func (s *Store) Where() []store.Saved { return s.places.List() }

func (s *Store) compare(entries []store.Entry) error {
	current := make([]store.Stored, len(entries))
	for i, e := range entries {
		found, err := s.read(e.Key)
		if err != nil {
			return err
		}
		current[i] = found
	}
	return store.Compare(current, entries)
}

func (s *Store) path(k store.Key) string {
	return filepath.Join(s.dir, filepath.FromSlash(k.Path()))
}

func (s *Store) read(k store.Key) (store.Stored, error) {
	text, err := s.readRecord(k)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Stored{Entry: store.Entry{Key: k}}, nil
	}
	if err != nil {
		return store.Stored{}, s.unreadable(k, "read", err)
	}
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

// put writes an entry, or removes it.
func (s *Store) put(e store.Entry) (version string, err error) {
	if e.Data != nil {
		return s.write(e)
	}
	if err := remove(s.path(e.Key)); err != nil {
		return "", err
	}
	s.places.Drop(e.Key)
	return "", nil
}

func (s *Store) write(e store.Entry) (version string, err error) {
	text, digest, err := store.Encode(e, s.by)
	if err != nil {
		return "", err
	}
	if err := replace(s.path(e.Key), text); err != nil {
		return "", err
	}
	s.places.Add(e.Key, store.Saved{Location: s.path(e.Key), Digest: digest})
	return digest, nil
}

// lock waits for the directory's lock until ctx ends. The kernel releases it
// when the process dies.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := store.Cancelled(ctx, "write"); err != nil {
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
		if cancelled := store.Cancelled(ctx, "write"); cancelled != nil {
			return nil, cancelled
		}
		return nil, s.unreadable(store.Key{}, "write", err)
	}
	// Closing releases the lock; there is nothing to do about a failure, and
	// the process's end releases it too.
	return func() { _ = lock.Close() }, nil
}

func (s *Store) unreadable(k store.Key, op string, err error) error {
	return &store.UnreadableError{
		Key: k, Op: op, Err: err,
		Remedy: "make " + s.dir + " a directory that this user can read and write, or name another with --store file:DIR",
	}
}
