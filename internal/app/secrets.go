package app

import (
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/stages"
)

// credentialNames are the environment variables whose values are credentials:
// those of GitHub and its runner, of the clouds that state and identities come
// from, and of every platform there is, used by this pipeline or not. A check may
// print any of them.
func credentialNames(platforms []stages.Platform) []string {
	names := []string{
		"GITHUB_TOKEN", "GH_TOKEN", "INPUT_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN",
	}
	for _, p := range platforms {
		names = append(names, p.Facts.Secrets...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maskEnvironment masks every credential that the process was started with,
// before anything is done.
func (inv *invocation) maskEnvironment() {
	values := make([]string, len(inv.credentials))
	for i, name := range inv.credentials {
		values[i] = inv.getenv(name)
	}
	inv.runner.Mask(slices.Concat(values, inv.netrcPasswords(), inv.addressPasswords())...)
}

// addressPasswords are the passwords within addresses that the environment has:
// https://user:password@host.
func (inv *invocation) addressPasswords() []string {
	var passwords []string
	for _, variable := range inv.Environ {
		_, value, _ := strings.Cut(variable, "=")
		address, err := url.Parse(value)
		if err != nil || address.User == nil || address.Host == "" {
			continue
		}
		if password, has := address.User.Password(); has {
			passwords = append(passwords, password)
		}
	}
	return passwords
}

// keep masks a credential that a client obtained. Those of the sandbox are none.
func (inv *invocation) keep(value string) {
	for _, dummy := range inv.sandboxEnv {
		if dummy == value {
			return
		}
	}
	inv.runner.Mask(value)
}

// maxNetrc is how much of a netrc file is read.
const maxNetrc = 64 << 10

// netrcPasswords are the passwords that programs find in the user's netrc file;
// none where it is no regular file or cannot be read.
func (inv *invocation) netrcPasswords() []string {
	path := inv.getenv("NETRC")
	if home := inv.getenv("HOME"); path == "" && home != "" {
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
