// Command scaffold begins a platform: the folders of its driver and its emulator, its
// page and its example, with a conformance test that fails at what is to be written.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(".", os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scaffold:", err)
		os.Exit(1)
	}
}

// run writes the files of a platform under root and says what comes next.
func run(root string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: scaffold NAME, the key that names the platform in a pipeline file")
	}
	name := args[0]
	files, err := begin(root, name)
	if err != nil {
		return err
	}
	paths := make([]string, 0, len(files))
	for path, content := range files {
		paths = append(paths, path)
		if err := write(filepath.Join(root, path), content); err != nil {
			return err
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		fmt.Println(path)
	}
	fmt.Printf("next: go test ./stages/%s fails at the first thing to write; CONTRIBUTING.md has the order\n", name)
	return nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	return os.WriteFile(path, content, 0o644) //nolint:gosec // a file of the repository
}
