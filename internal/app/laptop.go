package app

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/pipeline"
)

// asked is how long a program may take that is asked for the repository or a token.
const asked = 10 * time.Second

// remote is a repository on a server, as git writes its address: with a scheme, or
// as ssh does.
var remote = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(?:https|ssh|git)://(?:[^/@]*@)?([^/:]+)(?::\d+)?/|(?:[^/@]+@)?([^/:]+):)([^/]+)/([^/]+?)(?:\.git)?/?$`)
})

// atDesk finds out, outside of a workflow run, what stores on GitHub need and the
// environment does not say: which repository it is, from git's remote, and a token,
// from gh. Nothing is asked for where no such store is used.
func (inv *invocation) atDesk(ctx context.Context, pipelines []*pipeline.Pipeline) {
	onGitHub := slices.ContainsFunc(pipelines, func(p *pipeline.Pipeline) bool {
		return slices.Contains([]string{pipeline.StoreGit, pipeline.StoreArtifact}, inv.storeName(p))
	})
	if inv.runner.Inside() || !onGitHub {
		return
	}
	host := "github.com"
	if inv.getenv("GITHUB_REPOSITORY") == "" {
		host = inv.fromRemote(inv.ask(ctx, "git", "remote", "get-url", "origin"))
	}
	if inv.getenv("GITHUB_TOKEN") == "" && inv.getenv("GITHUB_REPOSITORY") != "" {
		if token := inv.ask(ctx, "gh", "auth", "token", "--hostname", host); token != "" {
			inv.runner.Mask(token)
			inv.overlay["GITHUB_TOKEN"] = token
		}
	}
}

// fromRemote takes over the repository of a remote, and returns its server's name.
func (inv *invocation) fromRemote(address string) (host string) {
	found := remote().FindStringSubmatch(address)
	if found == nil {
		return "github.com"
	}
	host = found[1] + found[2]
	inv.overlay["GITHUB_REPOSITORY"] = found[3] + "/" + found[4]
	if host != "github.com" && inv.getenv("GITHUB_API_URL") == "" {
		inv.overlay["GITHUB_API_URL"] = "https://" + host + "/api/v3"
	}
	if inv.getenv("GITHUB_SERVER_URL") == "" {
		inv.overlay["GITHUB_SERVER_URL"] = "https://" + host
	}
	return host
}

// ask is what a program says, in one line; "" where it is not there or does not know.
func (inv *invocation) ask(ctx context.Context, name string, args ...string) string {
	path := inv.program(name)
	if path == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, asked)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the user's own git or gh
	cmd.Env = inv.Environ
	cmd.WaitDelay = time.Second
	said, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(said))
}

// program finds a program as the invocation's environment has it.
func (inv *invocation) program(name string) string {
	for _, dir := range filepath.SplitList(inv.getenv("PATH")) {
		for _, ext := range []string{"", ".exe"} {
			path := filepath.Join(dir, name+ext)
			if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}
