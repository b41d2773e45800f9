package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// keeper runs work on one emulator's state, alone among all processes that
// share its folder, and keeps what the work left.
type keeper struct {
	emulator Emulator
	path     string      // the state's file; "" keeps nothing
	last     []byte      // the state as this process last loaded or saved it
	seen     fs.FileInfo // of the file that holds it; nil where none does
}

// newKeeper keeps e's state in dir, or in memory where dir is "".
func newKeeper(e Emulator, dir string) *keeper {
	k := &keeper{emulator: e}
	if dir != "" {
		k.path = filepath.Join(dir, e.Platform()+".json")
	}
	return k
}

// do loads the newest state, runs work, and saves what it left before it
// returns, where work says that it changed anything. A state that cannot be read or
// saved is an error; work ran only where loading succeeded.
func (k *keeper) do(work func() (changes bool, err error)) error {
	if k.path == "" {
		_, err := work()
		return err
	}
	lock := flock.New(k.path + ".lock")
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("sandbox: locking %s: %w", k.path, err)
	}
	defer lock.Close() //nolint:errcheck // closing the file always ends the lock
	if err := k.load(); err != nil {
		return err
	}
	changes, err := work()
	if err != nil || !changes && k.last != nil {
		return err
	}
	if err := k.save(); err != nil {
		return errors.Join(err, k.forget())
	}
	return nil
}

// forget takes back what could not be saved.
func (k *keeper) forget() error {
	if k.last == nil {
		return nil
	}
	return k.emulator.Restore(k.last)
}

// load takes over the state that another process left. A file that was never
// written leaves the emulator as it is.
func (k *keeper) load() error {
	info, err := os.Stat(k.path)
	if err == nil && k.isSeen(info) {
		return nil
	}
	state, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: reading state: %w", err)
	}
	if bytes.Equal(state, k.last) {
		k.seen = info
		return nil
	}
	if err := k.emulator.Restore(state); err != nil {
		return fmt.Errorf("sandbox: state %s is not readable: %w; remove the file to start anew", k.path, err)
	}
	k.last, k.seen = state, info
	return nil
}

// isSeen reports whether a file is the one that this process loaded or saved last:
// every save puts another one into its place.
func (k *keeper) isSeen(info fs.FileInfo) bool {
	return k.seen != nil && os.SameFile(k.seen, info) && k.seen.ModTime().Equal(info.ModTime()) && k.seen.Size() == info.Size()
}

// save replaces the file in one step, so that no reader and no crash finds
// half of it.
func (k *keeper) save() error {
	state, err := k.emulator.Save()
	if err != nil {
		return fmt.Errorf("sandbox: saving %s: %w", k.emulator.Platform(), err)
	}
	if bytes.Equal(state, k.last) {
		return nil
	}
	next := k.path + ".next"
	if err := os.WriteFile(next, state, 0o600); err != nil {
		return fmt.Errorf("sandbox: saving state: %w", err)
	}
	if err := os.Rename(next, k.path); err != nil {
		return fmt.Errorf("sandbox: saving state: %w", err)
	}
	k.last, k.seen = state, nil
	if info, err := os.Stat(k.path); err == nil {
		k.seen = info
	}
	return nil
}
