package environment

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// asked is how long a program may take that is asked for the repository or a token.
const asked = 10 * time.Second

// remote is a repository on a server, as git writes its address: with a scheme, or
// as ssh does. Names have the characters that GitHub and servers allow.
var remote = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:https|ssh|git)://(?:[^/@]*@)?([\w.-]+)(?::\d+)?/|(?:[^/@]+@)?([\w.-]+):)([\w.-]+)/([\w.-]+?)(?:\.git)?/?$`)
})

// AtDesk finds out, outside of a workflow run, what stores on GitHub need and the
// environment does not say: which repository it is, from git's remote, and a token,
// from gh, which is masked before it is used.
func (e *Environment) AtDesk(ctx context.Context, mask func(secrets ...string)) {
	host := "github.com"
	if e.Get("GITHUB_REPOSITORY") == "" {
		host = e.fromRemote(e.ask(ctx, "git", "remote", "get-url", "origin"))
	}
	if e.Get("GITHUB_TOKEN") == "" && e.Get("GITHUB_REPOSITORY") != "" {
		if token := e.ask(ctx, "gh", "auth", "token", "--hostname", host); token != "" {
			mask(token)
			e.Add("GITHUB_TOKEN", token)
		}
	}
}

// fromRemote takes over the repository of a remote, and returns its server's name.
func (e *Environment) fromRemote(address string) (host string) {
	found := remote().FindStringSubmatch(address)
	if found == nil {
		return "github.com"
	}
	host = found[1] + found[2]
	e.Add("GITHUB_REPOSITORY", found[3]+"/"+found[4])
	if host != "github.com" && e.Get("GITHUB_API_URL") == "" {
		e.Add("GITHUB_API_URL", "https://"+host+"/api/v3")
	}
	if e.Get("GITHUB_SERVER_URL") == "" {
		e.Add("GITHUB_SERVER_URL", "https://"+host)
	}
	return host
}

// ask is what a program says, in one line; "" where it is not there or does not know.
func (e *Environment) ask(ctx context.Context, name string, args ...string) string {
	path := program(e.Get, name)
	if path == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, asked)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the user's own git or gh
	cmd.Env = e.started
	cmd.WaitDelay = time.Second
	said, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(said))
}

// program finds a program on the PATH; "" where it is not there.
func program(getenv func(string) string, name string) string {
	for _, dir := range filepath.SplitList(getenv("PATH")) {
		for _, ext := range []string{"", ".exe"} {
			path := filepath.Join(dir, name+ext)
			if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}
