package environment

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxNetrc is how much of a netrc file is read.
const maxNetrc = 64 << 10

// netrcPasswords are the passwords that programs find in the user's netrc file;
// none where it is no regular file or cannot be read.
func netrcPasswords(getenv func(string) string) []string {
	path := getenv("NETRC")
	if home := getenv("HOME"); path == "" && home != "" {
		path = filepath.Join(home, ".netrc")
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path) //nolint:gosec // the user's own file, only to hide what is in it
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxNetrc))
	if err != nil {
		return nil
	}
	var passwords []string
	words := strings.Fields(string(text))
	for i := 1; i < len(words); i++ {
		if words[i-1] == "password" {
			passwords = append(passwords, words[i])
		}
	}
	return passwords
}
