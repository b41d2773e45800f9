package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/internal/store"
)

// The state folder may be a link, since where it lies is the user's choice.
// Inside it nothing but folders and plain files counts: a link, a device or a
// FIFO there is somebody else's doing, and opening one may wait for ever, read
// for ever, or touch what lies elsewhere.

// folders are what is wrong with the folders of records, nil where nothing is. The
// error is [fs.ErrNotExist] only where everything on the way proves that there is
// none.
func (s *place) folders(keys []store.Key) map[string]error {
	found := map[string]error{}
	for _, k := range keys {
		folder := k.Folder()
		if _, looked := found[folder]; !looked {
			found[folder] = s.checkFolder(folder)
		}
	}
	return found
}

// readIn reads the text of a record in a folder, where nothing is wrong with that.
func readIn(folder error, path string) ([]byte, error) {
	if folder != nil {
		return nil, folder
	}
	return readPlain(path)
}

// checkFolder refuses a folder of entries that is none. The error is
// [fs.ErrNotExist] where there is none, and the state folder is one or does not
// exist either.
func (s *place) checkFolder(name string) error {
	if err := s.checkDir(); err != nil {
		return err
	}
	path := filepath.Join(s.dir, name)
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is %s, not a folder", path, kindOf(info.Mode()))
	}
	return nil
}

// checkDir is about the state folder. A link to nothing is not "no folder": what
// it leads to may be a disk that is not mounted.
func (s *place) checkDir() error {
	info, err := os.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		switch itself, there := os.Lstat(s.dir); {
		case there == nil && itself.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a link to nothing", s.dir)
		case there == nil:
			info, err = itself, nil // another process made it since
		}
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is %s, not a folder", s.dir, kindOf(info.Mode()))
	}
	return nil
}

// readPlain reads a plain file of the length that a record may have. It looks
// before it opens, opens without waiting, and looks at what it opened.
func readPlain(path string) ([]byte, error) {
	if err := checkPlain(os.Lstat(path)); err != nil {
		return nil, at(path, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|carefully, 0)
	if err != nil {
		return nil, err
	}
	err = checkPlain(f.Stat())
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(f, store.MaxStored+1))
	}
	if err == nil && len(text) > store.MaxStored {
		err = tooLong(int64(len(text)))
	}
	return text, at(path, errors.Join(err, f.Close()))
}

// at says where, unless the error does already.
func at(path string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func checkPlain(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is %s, not a plain file", kindOf(info.Mode()))
	case info.Size() > store.MaxStored:
		return tooLong(info.Size())
	}
	return nil
}

func tooLong(size int64) error {
	return fmt.Errorf("it has %d bytes, more than the %d that a record may have", size, store.MaxStored)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
