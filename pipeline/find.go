package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
)

// FileNames lists where a pipeline file is looked for, best first.
func FileNames() []string { return []string{"sluice.yaml", ".github/sluice.yaml"} }

// Find is the name of the pipeline file in dir. The error wraps
// [fs.ErrNotExist] where there is none.
func Find(dir fs.FS) (string, error) {
	for _, name := range FileNames() {
		info, err := fs.Stat(dir, name)
		if err == nil && info.Mode().IsRegular() {
			return name, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot look for the pipeline file: %w", err)
		}
	}
	return "", fmt.Errorf("no pipeline file here: neither %s nor %s; write one or name it with --file: %w", FileNames()[0], FileNames()[1], fs.ErrNotExist)
}
