package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// replace makes text the content of path, all at once, and durably once the caller
// flushed the folder, which is there. The caller holds the lock, so one fixed
// temporary name serves, and what a killed process or somebody else left there is
// removed: it is written into nothing that existed before.
func replace(path string, text []byte) error {
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := writeSynced(temporary, text); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// remove takes the file of path away, durably once the caller flushed the folder.
// The caller holds the lock.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeDir creates the pipeline's directory and flushes its parent, without
// which a crash could lose the directory with what was flushed inside.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func writeSynced(path string, text []byte) error {
	f, err := create(path)
	if errors.Is(err, fs.ErrExist) {
		if err := os.Remove(path); err != nil {
			return err
		}
		f, err = create(path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// create makes a file that was not there.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
}

// syncDir flushes a directory's entries. Windows has no such call and needs
// none: its renames are written through.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
