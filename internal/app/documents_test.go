package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/internal/app"
	"sluice/internal/work/worktest"
	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

func contents(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is a fenced example of a document.
type block struct{ language, text string }

func blocks(text string) []block {
	var list []block
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

func parses(t *testing.T, name, text string) {
	t.Helper()
	facts := []driver.Facts{}
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	if _, problems := pipeline.Parse(name, []byte(text), facts); pipeline.Failed(problems) {
		t.Errorf("%s:\n%s\n%s", name, text, pipeline.Format(problems))
	}
}

// TestExamples: every example is a valid pipeline.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/sluice.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v (%v)", files, err)
	}
	for _, file := range files {
		parses(t, file, contents(t, strings.TrimPrefix(file, "../../")))
	}
}

// TestWorkflows: the steps of the example workflows, and of the documents', use
// commands and inputs that there are.
func TestWorkflows(t *testing.T) {
	var action struct {
		Inputs map[string]any
	}
	if err := yaml.Unmarshal([]byte(contents(t, "action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../examples/workflows/*.yml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v (%v)", files, err)
	}
	texts := map[string]string{}
	for _, file := range files {
		texts[file] = contents(t, strings.TrimPrefix(file, "../../"))
	}
	for _, b := range blocks(contents(t, "README.md")) {
		if b.language == "yaml" && strings.Contains(b.text, "uses:") {
			texts["README.md "+b.text] = b.text
		}
	}
	seen := 0
	for name, text := range texts {
		seen += choices(t, name, text)
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(text), &root); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, with := range steps(&root) {
			seen++
			for input := range with {
				if _, ok := action.Inputs[input]; !ok {
					t.Errorf("%s: the action has no input %q", name, input)
				}
			}
			checkCommand(t, name, with["command"])
		}
	}
	if seen < 18 {
		t.Errorf("only %d steps and choices were found", seen)
	}
}

// choices checks every command that a workflow lets people choose, and counts them.
func choices(t *testing.T, where, text string) (seen int) {
	t.Helper()
	var workflow struct {
		On struct {
			Dispatch struct {
				Inputs struct{ Command struct{ Options []string } }
			} `yaml:"workflow_dispatch"`
		}
	}
	_ = yaml.Unmarshal([]byte(text), &workflow) // an example may begin with a list of steps, or name its event alone
	for _, command := range workflow.On.Dispatch.Inputs.Command.Options {
		checkCommand(t, where, command)
		seen++
	}
	return seen
}

// checkCommand asks the program for the command's help; an expression is for the
// workflow to fill.
func checkCommand(t *testing.T, where, command string) {
	t.Helper()
	if strings.Contains(command, "${{") {
		return
	}
	var out bytes.Buffer
	args := append(strings.Fields(command), "--help")
	if code := app.Main(t.Context(), app.Process{Args: args, Stdout: &out, Stderr: &out}); code != 0 || command == "" {
		t.Errorf("%s: no command %q: %s", where, command, &out)
	}
}

// released is how a workflow names the action, whoever publishes it.
var released = regexp.MustCompile(`^[A-Za-z0-9-]+/sluice@`)

// steps are the inputs of every step that uses the action.
func steps(n *yaml.Node) []map[string]string {
	var found []map[string]string
	if n.Kind == yaml.MappingNode {
		var step struct {
			Uses string
			With map[string]string
		}
		if n.Decode(&step) == nil && released.MatchString(step.Uses) {
			found = append(found, step.With)
		}
	}
	for _, inner := range n.Content {
		found = append(found, steps(inner)...)
	}
	return found
}

// TestDocuments: the pipelines of the README and of the first steps are valid,
// and their sessions are what one sees. In a session each pipeline before it is
// sluice.yaml, and a line of "…" stands for any lines.
func TestDocuments(t *testing.T) {
	for page, atLeast := range map[string]int{
		"README.md": 2, "docs/getting-started.md": 2, "docs/how-to/approvals.md": 1,
		"docs/how-to/fleets.md": 1, "docs/how-to/freeze.md": 1, "docs/how-to/going-back.md": 2,
		"docs/migrate/heroku.md": 3, "docs/migrate/apigateway.md": 3, "docs/migrate/clouddeploy.md": 3,
	} {
		t.Run(page, func(t *testing.T) {
			text := contents(t, page)
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			sessions, day := 0, &worktest.Fast{Epoch: time.Now(), Speed: storySpeed}
			for _, b := range blocks(text) {
				switch {
				case b.language == "yaml" && strings.HasPrefix(b.text, "name:"):
					parses(t, page, b.text)
					if err := os.WriteFile("sluice.yaml", []byte(b.text), 0o600); err != nil {
						t.Fatal(err)
					}
				case b.language == "console":
					sessions++
					session(t, day, b.text)
				}
			}
			if sessions < atLeast {
				t.Errorf("only %d sessions were found", sessions)
			}
		})
	}
}

// session runs the commands of a console block and compares what they print.
func session(t *testing.T, day *worktest.Fast, text string) {
	t.Helper()
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part, "\n")
		words := words(strings.Replace(line, "go run .", "sluice", 1))
		switch words[0] {
		case "sluice":
			compare(t, day, line, want, words[1:])
		case "cat":
			have, err := os.ReadFile(words[1])
			if err != nil || string(have) != strings.TrimSuffix(want, "\n")+"\n" {
				t.Errorf("$ %s (%v)\ngot\n%s\nwant\n%s", line, err, have, want)
			}
		case "touch":
			if err := os.WriteFile(words[1], nil, 0o600); err != nil {
				t.Fatal(err)
			}
		case "rm":
			if err := os.RemoveAll(words[len(words)-1]); err != nil {
				t.Fatal(err)
			}
		case "go": // the tests are running
		default:
			t.Fatalf("$ %s: the test knows no such program", line)
		}
	}
}

// words splits a command line at spaces outside of single quotes.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

func compare(t *testing.T, day *worktest.Fast, line, want string, args []string) {
	t.Helper()
	var out bytes.Buffer
	app.Main(t.Context(), app.Process{Args: args, Stdout: &out, Stderr: &out, Clock: day.Clock(), Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}})
	got := timeless(out.String())
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(timeless(strings.TrimSuffix(want, "\n")+"\n")), "…\n", "(?s:.*)") + "$"
	if !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("$ %s\ngot\n%s\nwant\n%s", line, got, want)
	}
}

// timeless takes out what differs from one time, or person, to the next.
func timeless(text string) string {
	for _, r := range [][2]string{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "DATE"}, {`\d\d:\d\d:\d\d`, "TIME"}, {`(?m)(advanced|placed|begun) by \w+`, "$1 by SOMEBODY"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return strings.Join(slices.Collect(strings.Lines(text)), "")
}
