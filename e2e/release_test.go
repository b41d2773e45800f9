package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/release/releasetest"
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
verify) ;;
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

// gh stands in for GitHub's releases, tags and attestations: releases are folders of
// $RELEASES, tags those of $ORIGIN, attested is what $ATTESTED lists.
const gh = `
wanted() { # the value after --NAME
	local name=$1; shift
	while [ $# -gt 0 ]; do [ "$1" != "$name" ] || { printf '%s\n' "$2"; return; }; shift; done
	echo "gh: no $name" >&2; exit 1
}
case "$1 $2" in
'release view') [ -d "$RELEASES/$3" ] ;;
'release list') ls "$RELEASES" ;;
'release create')
	version=$3 notes=$(wanted --notes-file "$@")
	git -C "$ORIGIN" rev-parse --verify --quiet "refs/tags/$version" >/dev/null
	mkdir "$RELEASES/$version"
	cp "$notes" "$RELEASES/$version/notes.md"
	for asset in "$@"; do case $asset in dist/notes.md) ;; dist/*) cp "$asset" "$RELEASES/$version" ;; esac; done ;;
'release download')
	version=$3 dir=$(wanted --dir "$@"); shift 3
	while [ $# -gt 0 ]; do [ "$1" != --pattern ] || cp "$RELEASES/$version/$2" "$dir"; shift; done ;;
'api graphql')
	git -C "$ORIGIN" for-each-ref refs/tags --format='%(refname:short) %(objectname)' | while read -r name oid; do
		jq -n --arg name "$name" --arg oid "$oid" --arg parent "$(git -C "$ORIGIN" rev-parse "$oid^")" \
			'{name: $name, target: {oid: $oid, parents: {nodes: [{oid: $parent}]}}}'
	done | jq -s '{data: {repository: {refs: {nodes: .}}}}' | jq -r "$(wanted --jq "$@")" ;;
'attestation verify')
	[ "$(wanted --signer-workflow "$@")" = octo/sluice/.github/workflows/release.yml ]
	grep -q "^$(sha256sum < "$3" | cut -d' ' -f1) " "$ATTESTED" ;;
*) echo "gh: not stood in for: $*" >&2; exit 1 ;;
esac
`

// repository is this tree as a repository of its own, and where it is pushed.
type repository struct {
	origin, clone string
	env           map[string]string
}

// newRelease is this tree, whose changes have notes of the version, with stand-ins for
// all that a release reaches.
func newRelease(t *testing.T, registryName, version string) repository {
	t.Helper()
	needProgram(t, "git")
	needProgram(t, "make")
	needProgram(t, "jq")
	r := repository{origin: t.TempDir(), clone: t.TempDir()}
	git(t, r.origin, "init", "-q", "--bare", "-b", "main")
	git(t, r.clone, "init", "-q", "-b", "main")
	copyTree(t, r.clone)
	r.env = map[string]string{
		"PATH":   fakes(t, map[string]string{"gh": gh}),
		"ORIGIN": r.origin, "RELEASES": t.TempDir(), "ATTESTED": filepath.Join(r.clone, "dist/checksums.txt"),
		"IMAGE": registryName, "REGISTRY_USER": "octo", "REGISTRY_TOKEN": releasetest.Token, "GITHUB_REPOSITORY": "octo/sluice",
		"PLATFORMS": "linux/amd64 linux/arm64",
	}
	git(t, r.clone, "remote", "add", "origin", r.origin)
	r.notes(t, version)
	return r
}

// copyTree copies what Git keeps of this tree, as it is on disk.
func copyTree(t *testing.T, to string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = ".."
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(read(t, filepath.Join("..", name))), info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}

// notes merges the version's notes to main, as a person does before a release.
func (r repository) notes(t *testing.T, version string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", "notes", "VERSION="+version)
	cmd.Dir, cmd.Env = r.clone, environ(r.env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make notes: %v\n%s", err, out)
	}
	git(t, r.clone, "add", "-A")
	git(t, r.clone, "-c", "user.name=o", "-c", "user.email=o@example.com", "commit", "-q", "-m", "Notes of "+version)
	git(t, r.clone, "push", "-q", "origin", "HEAD:main")
}

// step runs one step of the release and returns what it wrote as outputs, and said.
func (r repository) step(t *testing.T, version, step string) (outputs map[string]string, said string, err error) {
	t.Helper()
	output := filepath.Join(t.TempDir(), "output")
	env := maps.Clone(r.env)
	env["VERSION"], env["GITHUB_OUTPUT"] = version, output
	needProgram(t, "bash")
	cmd := exec.CommandContext(t.Context(), "bash", ".github/release.sh", step)
	cmd.Dir, cmd.Env = r.clone, environ(env)
	out, err := cmd.CombinedOutput()
	outputs = map[string]string{}
	if text, readErr := os.ReadFile(output); readErr == nil {
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			outputs[name] = value
		}
	}
	return outputs, string(out), err
}

// must is a step that succeeds.
func (r repository) must(t *testing.T, version, step string) map[string]string {
	t.Helper()
	outputs, said, err := r.step(t, version, step)
	if err != nil {
		t.Fatalf("release.sh %s of %s: %v\n%s", step, version, err, said)
	}
	return outputs
}

// refused is a step that does not.
func (r repository) refused(t *testing.T, version, step, reason string) {
	t.Helper()
	if _, said, err := r.step(t, version, step); err == nil || !strings.Contains(said, reason) {
		t.Fatalf("release.sh %s of %s: %v, want a refusal with %q\n%s", step, version, err, reason, said)
	}
}

// commit is what a name means at the origin; "" where it means nothing.
func (r repository) commit(t *testing.T, name string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "rev-parse", "--verify", "--quiet", name+"^{commit}")
	cmd.Dir = r.origin
	out, _ := cmd.Output() // exit 1: there is none
	return strings.TrimSpace(string(out))
}

// TestRelease rehearses a release without a network, with the real script, build,
// image and Git: nothing is tagged before everybody can pull the image; the tagged
// commit's action is that image, the branch's still builds itself; what setup installs
// is the same binary; v1 moves forward alone; and a release is never replaced.
func TestRelease(t *testing.T) {
	t.Parallel()
	if os.Getenv("SLUICE_E2E") == "" {
		t.Skip("the binaries of two architectures take minutes to build; SLUICE_E2E=1 does")
	}
	hub := releasetest.NewRegistry()
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	r := newRelease(t, strings.TrimPrefix(server.URL, "http://")+"/Octo/Sluice", "v1.1.0")

	r.refused(t, "1.1", "build", "is not of the form")
	r.refused(t, "v1.0.0", "build", "has no notes: make notes VERSION=v1.0.0")
	r.must(t, "v1.1.0", "build")
	image := r.must(t, "v1.1.0", "image")
	r.env["REFERENCE"] = image["reference"]
	if again := r.must(t, "v1.1.0", "image"); again["digest"] != image["digest"] {
		t.Errorf("the same binaries made the image %s and then %s", image["digest"], again["digest"])
	}

	r.refused(t, "v1.1.0", "publish", "make the package public")
	if commit := r.commit(t, "v1.1.0"); commit != "" {
		t.Fatalf("tagged %s before the image could be pulled", commit)
	}
	hub.Public.Store(true)
	main := r.commit(t, "main")
	r.must(t, "v1.1.0", "publish")
	r.wantReleased(t, "v1.1.0", main)
	if got, want := r.commit(t, "v1"), r.commit(t, "v1.1.0"); got != want {
		t.Errorf("v1 is %s, want %s", got, want)
	}
	t.Run("setup", r.setup)
	t.Run("action", r.action)
	t.Run("another", r.another)
}

// wantReleased: the release's tag, action and files say what they shall.
func (r repository) wantReleased(t *testing.T, version, base string) {
	t.Helper()
	if got := show(t, r.origin, version+":action.yml"); !strings.Contains(got, "image: docker://"+r.env["REFERENCE"]+"\n") {
		t.Errorf("%s: action.yml does not name the image by digest:\n%s", version, got)
	}
	if got := r.commit(t, version+"^"); got != base {
		t.Errorf("%s is over %s, want main's %s", version, got, base)
	}
	if got := show(t, r.origin, "main:action.yml"); !strings.Contains(got, "image: Dockerfile\n") {
		t.Error("main no longer builds itself")
	}
	folder := filepath.Join(r.env["RELEASES"], version)
	if notes := read(t, filepath.Join(folder, "notes.md")); !strings.Contains(notes, "### Added\n\n- ") || strings.Contains(notes, "\n## ") {
		t.Errorf("notes:\n%s", notes)
	}
	checksums := read(t, filepath.Join(folder, "checksums.txt"))
	for _, asset := range []string{"sluice-linux-amd64", "sluice-linux-arm64", "sluice.cdx.json"} {
		sum := fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(read(t, filepath.Join(folder, asset)))), asset)
		if !strings.Contains(checksums, sum) {
			t.Errorf("checksums.txt does not have %s", sum)
		}
	}
	var sbom struct {
		BomFormat  string
		Components []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(folder, "sluice.cdx.json"))), &sbom); err != nil || sbom.BomFormat != "CycloneDX" || len(sbom.Components) < 20 {
		t.Errorf("the SBOM names %d components (%v)", len(sbom.Components), err)
	}
}

// setup: whatever of the release is named, its binary is installed, and no binary that
// nobody attested.
func (r repository) setup(t *testing.T) {
	install := func(t *testing.T, env map[string]string) (string, error) {
		dir := t.TempDir()
		all := maps.Clone(r.env)
		maps.Copy(all, map[string]string{
			"SLUICE_REPOSITORY": "octo/sluice", "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": dir,
			"GITHUB_PATH": filepath.Join(dir, "path"), "GITHUB_OUTPUT": filepath.Join(dir, "output"),
		})
		maps.Copy(all, env)
		out, err := bash(t, dir, absolute(t, "../setup/install.sh"), all)
		if err != nil {
			return out, err
		}
		said, err := exec.CommandContext(t.Context(), filepath.Join(strings.TrimSpace(read(t, all["GITHUB_PATH"])), "sluice"), "version").CombinedOutput()
		return string(said), err
	}
	for name, env := range map[string]map[string]string{
		"the tagged commit":   {"SLUICE_VERSION": r.commit(t, "v1.1.0")},
		"the released commit": {"SLUICE_VERSION": r.commit(t, "v1.1.0^")},
		"the major version":   {"SLUICE_VERSION": "v1"},
		"the action's folder": {"SLUICE_VERSION": "", "SLUICE_REPOSITORY": "", "GITHUB_ACTION_PATH": "/runner/_actions/octo/sluice/v1.1.0/setup"},
	} {
		if said, err := install(t, env); err != nil || !strings.Contains(said, "sluice v1.1.0 ") {
			t.Errorf("%s: %v, want version v1.1.0\n%s", name, err, said)
		}
	}
	nobody := filepath.Join(t.TempDir(), "attested")
	if err := os.WriteFile(nobody, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := install(t, map[string]string{"SLUICE_VERSION": "v1.1.0", "ATTESTED": nobody}); err == nil || !strings.Contains(said, "no attestation says that sluice-linux-amd64") {
		t.Errorf("nobody attested it: %v\n%s", err, said)
	}
	if said, err := install(t, map[string]string{"SLUICE_VERSION": strings.Repeat("0", 40)}); err == nil || !strings.Contains(said, "no release of octo/sluice is tagged at the commit") {
		t.Errorf("a commit that no release was made of: %v\n%s", err, said)
	}
}

// action: the tagged commit's action runs as a workflow has it, from the image alone.
func (r repository) action(t *testing.T) {
	needVar(t, "SLUICE_E2E_ACTION")
	needProgram(t, "docker")
	if out, err := exec.CommandContext(t.Context(), "docker", "pull", "--quiet", r.env["REFERENCE"]).CombinedOutput(); err != nil {
		t.Fatalf("docker pull: %v\n%s", err, out)
	}
	w := workflow{
		Dir: newRepository(t, map[string]string{
			"action.yml":  show(t, r.origin, "v1.1.0:action.yml"),
			"sluice.yaml": read(t, "testdata/canary/sluice.yaml"),
			".github/workflows/test.yml": "name: Released\non: workflow_dispatch\njobs:\n  validate:\n    runs-on: ubuntu-latest\n    steps:\n" +
				"      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0\n      - {uses: ./, with: {command: version}}\n",
		}),
		File: "test.yml", RunID: 1, Artifacts: t.TempDir(),
	}
	result := w.run(t)
	result.wantJobs(t, map[string]string{"validate": "success"})
	if !strings.Contains(result.readable(), "sluice v1.1.0 ") {
		t.Errorf("the action is not the release's binary:\n%s", result.readable())
	}
}

// another: a patch of an older minor version leaves v1 where it is; a release that
// broke off is finished by the same version; one that is complete is not touched.
func (r repository) another(t *testing.T) {
	r.env["PATH"] = fakes(t, map[string]string{"gh": gh, "make": `
cd dist && for f in sluice-*; do printf 'another' >> "$f"; done && sha256sum sluice* > checksums.txt`}) // a build takes a minute
	r.refused(t, "v1.1.0", "build", "is released already")
	git(t, r.clone, "checkout", "-q", "main")
	if err := os.Rename(filepath.Join(r.clone, ".changes/v1.1.0"), filepath.Join(r.clone, ".changes/v1.0.1")); err != nil {
		t.Fatal(err)
	}
	changelog := strings.Replace(read(t, filepath.Join(r.clone, "CHANGELOG.md")), "## v1.1.0,", "## v1.0.1,", 1)
	if err := os.WriteFile(filepath.Join(r.clone, "CHANGELOG.md"), []byte(changelog), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, r.clone, "add", "-A")
	git(t, r.clone, "-c", "user.name=o", "-c", "user.email=o@example.com", "commit", "-q", "-m", "Notes of v1.0.1")
	git(t, r.clone, "push", "-q", "origin", "HEAD:main")
	major := r.commit(t, "v1")

	r.must(t, "v1.0.1", "build")
	r.env["REFERENCE"] = r.must(t, "v1.0.1", "image")["reference"]
	releases := r.env["RELEASES"]
	r.env["RELEASES"] = filepath.Join(t.TempDir(), "unreachable")
	if _, _, err := r.step(t, "v1.0.1", "publish"); err == nil || r.commit(t, "v1.0.1") == "" {
		t.Fatalf("the release broke off with %v, want it tagged", err)
	}
	tagged := r.commit(t, "v1.0.1")
	r.env["RELEASES"] = releases
	git(t, r.clone, "checkout", "-q", "main")
	r.must(t, "v1.0.1", "publish")
	if got := r.commit(t, "v1.0.1"); got != tagged {
		t.Errorf("finished, and the tag moved from %s to %s", tagged, got)
	}
	if _, err := os.Stat(filepath.Join(releases, "v1.0.1", "sluice-linux-amd64")); err != nil {
		t.Error(err)
	}
	if got := r.commit(t, "v1"); got != major {
		t.Errorf("v1 went back to %s", got)
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
