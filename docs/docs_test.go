package docs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/app"
	"sluice/pipeline"
	"sluice/stages/all"
	"sluice/stages/driver"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks are the fenced examples in a language.
func blocks(text, language string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// facts are those of every platform that the documents name: as this build has
// them, else as the parser's own tests do.
func facts(t *testing.T) []driver.Facts {
	t.Helper()
	var list []driver.Facts
	if err := json.Unmarshal([]byte(read(t, "../testdata/platforms.json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range all.Platforms() {
		i := slices.IndexFunc(list, func(f driver.Facts) bool { return f.Platform == p.Facts.Platform })
		if i < 0 {
			list = append(list, p.Facts)
			continue
		}
		list[i] = p.Facts
	}
	return list
}

// TestPipelineFiles: every pipeline in the documents is valid.
func TestPipelineFiles(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("how-to/*.md")
	if err != nil || len(guides) < 5 {
		t.Fatalf("how-tos %v (%v)", guides, err)
	}
	pages = append(pages, guides...)
	files := 0
	for _, page := range pages {
		for _, example := range blocks(read(t, page), "yaml") {
			if !strings.HasPrefix(example, "name:") || !strings.Contains(example, "\nstages:") {
				continue // a workflow, or a part
			}
			files++
			_, problems := pipeline.Parse(page, []byte(example), facts(t))
			if pipeline.Failed(problems) {
				t.Errorf("%s:\n%s\n%s", page, example, pipeline.Format(problems))
			}
		}
	}
	if files < 8 {
		t.Errorf("only %d pipelines found", files)
	}
}

// TestPlatformKeys: the pipeline file's page names every key of every platform.
func TestPlatformKeys(t *testing.T) {
	page := read(t, "pipeline-file.md")
	for _, f := range facts(t) {
		for _, k := range f.Keys {
			if !strings.Contains(page, "`"+k.Name+"`") {
				t.Errorf("pipeline-file.md does not name %s's key %s", f.Platform, k.Name)
			}
		}
	}
}

// sluice runs a command line in the current folder.
func sluice(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var text bytes.Buffer
	code = app.Main(t.Context(), app.Process{Args: args, Stdout: &text, Stderr: &text, Environ: []string{"HOME=" + t.TempDir()}})
	return code, text.String()
}

// TestCommands: the commands' page names every command and every flag.
func TestCommands(t *testing.T) {
	page := read(t, "commands.md")
	seen := map[string]bool{"help": true, "completion": true}
	var walk func(path ...string)
	walk = func(path ...string) {
		_, help := sluice(t, append(path, "--help")...)
		for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, |    )--([a-z-]+)`).FindAllStringSubmatch(help, -1) {
			if !strings.Contains(page, "`--"+m[1]+"`") {
				t.Errorf("commands.md does not name --%s of %v", m[1], path)
			}
		}
		list, _, _ := strings.Cut(help, "\nFlags:")
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +[A-Z]`).FindAllStringSubmatch(list, -1) {
			name := strings.Join(append(path, m[1]), " ")
			if seen[name] {
				continue
			}
			seen[name] = true
			if !strings.Contains(page, "`"+name) {
				t.Errorf("commands.md does not name the command %s", name)
			}
			walk(append(path, m[1])...)
		}
	}
	walk()
	if len(seen) < 20 {
		t.Errorf("only %d commands found", len(seen))
	}
}

// TestSessions: the command lines of the commands' page work as they stand, on
// a pipeline with the names that they use.
func TestSessions(t *testing.T) {
	const file = `name: storefront
state: {store: "file:state"}
stages:
  - name: staging
    targets:
      - {name: web-staging, entrecode: {appID: a, platformID: p1, targetIDs: [t1]}}
  - name: production
    targets:
      - {name: web, from: web-staging, entrecode: {appID: a, platformID: p2, targetIDs: [t2]}}
      - {name: web-two, from: web-staging, entrecode: {appID: a, platformID: p3, targetIDs: [t3]}}
`
	for _, session := range blocks(read(t, "commands.md"), "sh") {
		t.Run(strings.Fields(session)[1], func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("sluice.yaml", []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(session) {
				if code, out := sluice(t, strings.Fields(line)[1:]...); code != 0 {
					t.Errorf("%sexit %d\n%s", line, code, out)
				}
			}
		})
	}
}

// TestExitCodes: the page has the codes of the design.
func TestExitCodes(t *testing.T) {
	page := read(t, "commands.md")
	order := []string{"130", "6", "5", "1", "4", "2", "3", "0"}
	at := 0
	for _, code := range order {
		i := strings.Index(page[at:], "\n| "+code+" | ")
		if i < 0 {
			t.Fatalf("exit code %s is missing, or not in its place", code)
		}
		at += i
	}
}
