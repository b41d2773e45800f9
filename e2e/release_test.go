package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakes puts shell scripts of these names in front of everything on PATH.
func fakes(t *testing.T, scripts map[string]string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\nset -eu\n"+script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// bash runs a script and returns what it printed.
func bash(t *testing.T, dir, script string, env map[string]string) (string, error) {
	t.Helper()
	needProgram(t, "bash")
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Dir, cmd.Env = dir, environ(env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestSetup: the setup action puts a binary on PATH whose checksum is the
// published one, and no other.
func TestSetup(t *testing.T) {
	const binary = "not really a program"
	checksum := fmt.Sprintf("%x  sluice-linux-amd64\n", sha256.Sum256([]byte(binary)))
	tests := map[string]struct {
		version, arch, checksums string
		want, refused            string // the version installed, or the reason why not
	}{
		"exact":        {version: "v1.2.3", arch: "X64", checksums: checksum, want: "v1.2.3"},
		"major":        {version: "v1", arch: "X64", checksums: checksum, want: "v1.10.0"},
		"minor":        {version: "v1.2", arch: "X64", checksums: checksum, want: "v1.2.3"},
		"unknown":      {version: "v7", arch: "X64", checksums: checksum, refused: "has no release v7"},
		"branch":       {version: "main", arch: "X64", checksums: checksum, refused: "'main' is not a release"},
		"architecture": {version: "v1.2.3", arch: "ARM", checksums: checksum, refused: "no release for the architecture ARM"},
		"tampered":     {version: "v1.2.3", arch: "X64", checksums: strings.Repeat("0", 64) + "  sluice-linux-amd64\n", refused: "does not have the published checksum"},
		"unlisted":     {version: "v1.2.3", arch: "X64", checksums: "", refused: "does not name sluice-linux-amd64"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			env := map[string]string{
				"PATH": fakes(t, map[string]string{"gh": `
case "$2" in
list) printf 'v1.2.2\nv1.2.3\nv1.10.0\nv2.0.0\n' ;;
download)
	while [ "$1" != --dir ]; do shift; done
	printf '%s' "$BINARY" > "$2/sluice-linux-amd64"
	printf '%s' "$CHECKSUMS" > "$2/checksums.txt" ;;
esac
`}),
				"BINARY": binary, "CHECKSUMS": test.checksums,
				"SLUICE_REPOSITORY": "octo/sluice", "SLUICE_VERSION": test.version,
				"RUNNER_OS": "Linux", "RUNNER_ARCH": test.arch, "RUNNER_TEMP": dir,
				"GITHUB_PATH": filepath.Join(dir, "path"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
			}
			out, err := bash(t, dir, absolute(t, "../setup/install.sh"), env)
			if test.refused != "" {
				if err == nil || !strings.Contains(out, test.refused) {
					t.Fatalf("error %v, want a refusal with %q\n%s", err, test.refused, out)
				}
				if _, err := os.Stat(env["GITHUB_PATH"]); err == nil {
					t.Error("refused, and on PATH all the same")
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			folder := strings.TrimSpace(read(t, env["GITHUB_PATH"]))
			if got := read(t, filepath.Join(folder, "sluice")); got != binary {
				t.Errorf("on PATH is %q", got)
			}
			if got := read(t, env["GITHUB_OUTPUT"]); got != "version="+test.want+"\n" {
				t.Errorf("output %q, want %s", got, test.want)
			}
		})
	}
}

// TestRelease: the tagged commit's action is the published image by digest,
// the branch's still builds itself, and a release is never replaced.
func TestRelease(t *testing.T) {
	needProgram(t, "git")
	const digest = "ghcr.io/octo/sluice@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	origin, clone := t.TempDir(), t.TempDir()
	git(t, origin, "init", "-q", "--bare", "-b", "main")
	git(t, clone, "init", "-q", "-b", "main")
	for _, name := range []string{"action.yml", "CHANGELOG.md", ".github/release.sh"} {
		path := filepath.Join(clone, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(read(t, filepath.Join("..", name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, clone, "remote", "add", "origin", origin)
	git(t, clone, "add", "-A")
	git(t, clone, "-c", "user.name=o", "-c", "user.email=o@example.com", "commit", "-q", "-m", "main")
	git(t, clone, "push", "-q", "origin", "main")

	env := map[string]string{
		"PATH": fakes(t, map[string]string{
			"make":   `mkdir -p dist; echo binary > dist/sluice-linux-amd64`,
			"docker": `[ "$1" != inspect ] || echo ` + digest,
			"gh":     `printf '%s ' "$@" >> "$RELEASED"`,
		}),
		"IMAGE": "ghcr.io/Octo/Sluice", "RELEASED": filepath.Join(t.TempDir(), "released"),
	}
	release := func(version string) (string, error) {
		env["VERSION"] = version
		git(t, clone, "checkout", "-q", "main")
		return bash(t, clone, ".github/release.sh", env)
	}
	for _, version := range []string{"v1.0.0", "v1.1.0"} {
		if out, err := release(version); err != nil {
			t.Fatalf("%s: %v\n%s", version, err, out)
		}
		for _, tag := range []string{version, "v1"} {
			if got := show(t, origin, tag+":action.yml"); !strings.Contains(got, "image: docker://"+digest+"\n") {
				t.Errorf("%s: action.yml does not name the image by digest:\n%s", tag, got)
			}
		}
		git(t, clone, "checkout", "-q", "-B", "main", "origin/main")
	}
	if got := show(t, origin, "main:action.yml"); !strings.Contains(got, "image: Dockerfile\n") {
		t.Error("main no longer builds itself")
	}
	if got := read(t, env["RELEASED"]); !strings.Contains(got, "release create v1.1.0 ") || !strings.Contains(got, "dist/sluice-linux-amd64") {
		t.Errorf("gh was asked: %s", got)
	}
	for version, reason := range map[string]string{"v1.0.0": "is tagged already", "1.2": "is not of the form"} {
		if out, err := release(version); err == nil || !strings.Contains(out, reason) {
			t.Errorf("%s: %v, want a refusal with %q\n%s", version, err, reason, out)
		}
	}
}

func show(t *testing.T, dir, object string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "show", object)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git show %s: %v", object, err)
	}
	return string(out)
}
