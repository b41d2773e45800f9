package e2e

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/store/gitref/gitreftest"
)

const tutorial = "../docs/tutorial.md"

// firstSuccess is the tutorial's sentence at which a newcomer has a canary on an
// account of their own.
const firstSuccess = "That is a canary on your own account."

// TestTutorialLength: a newcomer reads at most 600 words before the first success on an
// account of their own: everything but what programs print and the pipeline file.
func TestTutorialLength(t *testing.T) {
	text, _, found := strings.Cut(read(t, tutorial), firstSuccess)
	if !found {
		t.Fatalf("the tutorial does not say %q", firstSuccess)
	}
	words, fenced := 0, false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case !fenced || strings.HasPrefix(line, "$ "):
			words += len(strings.Fields(line))
		}
	}
	if words > 600 || words < 100 {
		t.Errorf("%d words before the first success, want at most 600", words)
	}
}

// lesson is a command of the tutorial and what it shows of its output, or a file that
// it has its reader write.
type lesson struct{ command, shows string }

// lessons are all of the tutorial, in order.
func lessons(t *testing.T) []lesson {
	t.Helper()
	var all []lesson
	for _, m := range regexp.MustCompile("(?ms)^```(console|yaml)\n(.*?)^```$").FindAllStringSubmatch(read(t, tutorial), -1) {
		switch language, text := m[1], m[2]; {
		case language == "yaml" && strings.HasPrefix(text, "name:"):
			all = append(all, lesson{command: "cat > sluice.yaml <<'END'\n" + text + "END"})
		case language == "yaml":
			all = append(all, lesson{command: "sed -i '1a " + strings.TrimSpace(text) + "' sluice.yaml"})
		default:
			for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
				command, shows, _ := strings.Cut(part, "\n")
				all = append(all, lesson{command, shows})
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d lessons", len(all))
	}
	return all
}

// TestTutorial runs every command of the tutorial as it stands, one after the other.
// The account is the sandbox's, GitHub is act; Docker pulls nothing.
func TestTutorial(t *testing.T) {
	t.Parallel()
	needProgram(t, "bash")
	env := startTutorial(t)
	all := lessons(t)
	var script strings.Builder
	out := t.TempDir()
	for i, l := range all {
		fmt.Fprintf(&script, "{ %s\n} >%s/%d 2>&1 </dev/null || { echo \"exit $?\" >>%s/%d; exit 1; }\n", l.command, out, i, out, i)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir, cmd.Env = t.TempDir(), environ(env)
	_ = cmd.Run() // which command has failed, its output says
	for i, l := range all {
		printed, err := os.ReadFile(filepath.Join(out, fmt.Sprint(i)))
		if err != nil {
			t.Fatalf("$ %s: did not run", l.command)
		}
		got := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(string(printed), "TIME")
		if !regexp.MustCompile(shown(l.shows)).MatchString(got) || regexp.MustCompile(`(?m)^exit \d+$`).MatchString(got) {
			t.Fatalf("$ %s\ngot\n%s\nwant\n%s", l.command, got, l.shows)
		}
	}
}

// shown is what a command shows as a pattern: "…" stands for anything.
func shown(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(text)), "\n", `[^\n]*\n(?s:.*)`)
	return strings.ReplaceAll(pattern, "…", "(?s:.*)")
}

// startTutorial stands in for what the tutorial's reader has: GitHub with this tree on
// it, an account at AWS, Docker with the images, gh.
func startTutorial(t *testing.T) map[string]string {
	t.Helper()
	for _, program := range []string{"git", "go", "act", "docker"} {
		needProgram(t, program)
	}
	action, runner := needVar(t, "SLUICE_E2E_ACTION"), needVar(t, "SLUICE_E2E_RUNNER")
	source := t.TempDir()
	copyTree(t, source)
	if err := os.WriteFile(filepath.Join(source, "Dockerfile"), []byte("FROM "+action+"\n"), 0o600); err != nil {
		t.Fatal(err) // the builder's image cannot be pulled here
	}
	me := []string{"-c", "user.name=o", "-c", "user.email=o@example.com"}
	git(t, source, "init", "-q", "-b", "main")
	git(t, source, "add", "-A")
	git(t, source, append(me, "commit", "-q", "-m", "Sluice")...)
	git(t, source, "remote", "add", "origin", "https://github.com/octo/sluice.git")

	api := httptest.NewServer(gitreftest.New())
	t.Cleanup(api.Close)
	account := startSandbox(t, "testdata/canary/sluice.yaml", lastGatewayExport)
	flags := "--rm --pull=false --action-offline-mode --no-cache-server --network host --platform ubuntu-latest=" + runner +
		" --actor octocat --artifact-server-path " + t.TempDir() + " --artifact-server-addr 127.0.0.1 --local-repository " + released(t) + "=" + source
	for _, name := range slices.Sorted(maps.Keys(account)) {
		if strings.Contains(name, "ENDPOINT") || strings.Contains(name, "REGION") {
			flags += " --env " + name + "=" + account[name]
		}
	}
	real, err := exec.LookPath("act")
	if err != nil {
		t.Fatal(err)
	}
	env := maps.Clone(account)
	maps.Copy(env, map[string]string{
		"GOBIN": "", "GOPATH": t.TempDir(), "HOME": t.TempDir(), "GOCACHE": goEnv(t, "GOCACHE"), "GOMODCACHE": goEnv(t, "GOMODCACHE"),
		"GIT_AUTHOR_NAME": "o", "GIT_AUTHOR_EMAIL": "o@example.com", "GIT_COMMITTER_NAME": "o", "GIT_COMMITTER_EMAIL": "o@example.com",
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "url." + source + ".insteadOf", "GIT_CONFIG_VALUE_0": "https://github.com/" + strings.TrimSuffix(released(t), "@v1"),
		"PATH": without("sluice", fakes(t, map[string]string{
			"act": "exec " + real + " \"$@\" " + flags + " --artifact-server-port \"$(shuf -i 20000-32000 -n 1)\"\n",
			"gh": `
case "$1 $2" in
'repo create') git remote add origin https://github.com/` + gitreftest.Repository + `.git ;;
'secret set') printf '%s=%s\n' "$3" "$5" >> ../secrets ;;
'workflow run')
	file=$3; shift 3; inputs=()
	while [ $# -gt 0 ]; do inputs+=(--input "$2"); shift 2; done
	act workflow_dispatch --workflows ".github/workflows/$file" "${inputs[@]}" --secret-file ../secrets \
		--secret GITHUB_TOKEN=` + gitreftest.Token + ` --env GITHUB_API_URL=` + api.URL + ` --env GITHUB_RUN_ID="$RANDOM" ;;
*) echo "gh: not stood in for: $*" >&2; exit 1 ;;
esac
`,
		})),
	})
	return env
}

// without is a PATH on which a program is not found: who installs it has it nowhere yet.
func without(program, path string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, program))
		return err == nil
	})
	return strings.Join(dirs, string(os.PathListSeparator))
}

// released is how the tutorial's workflows name the action: OWNER/sluice@v1.
func released(t *testing.T) string {
	t.Helper()
	name := strings.TrimPrefix(actionReference.FindString(read(t, "../examples/workflows/run.yml")), "uses: ")
	if name == "" {
		t.Fatal("run.yml does not name the action")
	}
	return name
}

// goEnv is a setting of Go's.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
