package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/pipeline"
)

// pipelineError means that a pipeline file is wrong. Its mistakes were shown.
type pipelineError struct {
	problems []pipeline.Problem
}

func (e *pipelineError) Error() string {
	if len(e.problems) == 1 {
		return "the pipeline file has a mistake"
	}
	return fmt.Sprintf("the pipeline file has %d mistakes", len(e.problems))
}

// mistake is a problem as the document has it.
type mistake struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // error or warning
	Message  string `json:"message"`
}

func mistakesOf(problems []pipeline.Problem) []mistake {
	list := make([]mistake, 0, len(problems))
	for _, p := range problems {
		m := mistake{File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Col, Severity: "error", Message: p.Message}
		if p.Warning {
			m.Severity = "warning"
		}
		list = append(list, m)
	}
	return list
}

// parse reads the pipeline files and shows every mistake and warning.
func (inv *invocation) parse() ([]*pipeline.Pipeline, []pipeline.Problem, error) {
	files := inv.flags.givenFiles()
	if len(files) == 0 {
		found, err := pipeline.Find(os.DirFS("."))
		if err != nil {
			return nil, nil, usage(err)
		}
		files = []string{found}
	}
	var pipelines []*pipeline.Pipeline
	var problems []pipeline.Problem
	for _, file := range files {
		name, src, err := source(inv.Stdin, file)
		if err != nil {
			return nil, nil, usage(err)
		}
		p, found := pipeline.Parse(name, src, inv.facts())
		problems = append(problems, slices.DeleteFunc(found, inv.flags.ofOtherStore)...)
		if p != nil {
			if keep := keeps(inv.flags.storeName(p), inv.env.Get); keep > 0 {
				problems = append(problems, p.Outlasting(keep, inv.Clock.Now())...)
			}
			pipelines = append(pipelines, p)
		}
	}
	if pipeline.Failed(problems) {
		return nil, problems, &pipelineError{problems: problems}
	}
	return pipelines, problems, sameNames(pipelines)
}

// ofOtherStore reports whether a problem is none with the store that the command line
// names in place of the file's.
func (f *flags) ofOtherStore(p pipeline.Problem) bool {
	store := f.store
	switch {
	case store == "":
		return false
	case p.Unread != "":
		return strings.HasPrefix(store, p.Unread)
	default:
		return p.Store != "" && p.Store != store
	}
}

// givenFiles are the pipeline files that were given. A comma parts two of them, unless
// there is a file with that whole name.
func (f *flags) givenFiles() []string {
	var files []string
	for _, given := range f.files {
		if _, err := os.Stat(given); err == nil || !strings.Contains(given, ",") {
			files = append(files, given)
			continue
		}
		_ = list{&files}.Set(given) // takes every text
	}
	return files
}

// source is a pipeline file and the name that its mistakes have: standard input
// is "-" on the command line.
func source(stdin io.Reader, file string) (string, []byte, error) {
	if file != "-" {
		src, err := readFile(file)
		return filepath.ToSlash(file), src, err
	}
	if stdin == nil {
		return "stdin", nil, nil
	}
	src, err := readSource(stdin, "standard input")
	return "stdin", src, err
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return readSource(f, file)
}

// readSource reads no more than a pipeline may have.
func readSource(r io.Reader, name string) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(r, pipeline.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return src, nil
}

// sameNames refuses pipelines that would share their state.
func sameNames(pipelines []*pipeline.Pipeline) error {
	seen := map[string]string{}
	for _, p := range pipelines {
		if other, ok := seen[p.Name.Value]; ok {
			return usage(fmt.Errorf("%s: pipeline %q has the same name as that of %s; their state would be the same", p.Name.Pos, p.Name.Value, other))
		}
		seen[p.Name.Value] = p.File
	}
	return nil
}

// mostShown is how many problems a person is shown: more of them mostly come from one
// mistake, made for every target of a fleet.
const mostShown = 30

// show prints problems with their lines, and annotates the run with them.
func show(runner *actions.Runner, w io.Writer, problems []pipeline.Problem) {
	if len(problems) == 0 {
		return
	}
	more := ""
	if hidden := len(problems) - mostShown; hidden > 0 {
		mistakes := slices.DeleteFunc(slices.Clone(problems), func(p pipeline.Problem) bool { return p.Warning })
		warnings := slices.DeleteFunc(slices.Clone(problems), func(p pipeline.Problem) bool { return !p.Warning })
		problems = append(mistakes, warnings...)[:mostShown]
		more = fmt.Sprintf("… and %d more; `sluice validate --output json` lists all of them\n", hidden)
	}
	_ = runner.Untrusted(w, runner.Show(pipeline.Format(problems)+more)) // nobody is left to tell
	if !runner.Inside() {
		return
	}
	for _, p := range problems {
		level := actions.LevelError
		if p.Warning {
			level = actions.LevelWarning
		}
		runner.Annotate(actions.Annotation{Level: level, File: p.Pos.File, Line: p.Pos.Line, Col: p.Pos.Col, Message: p.Message})
	}
}

// load parses for a command that runs: mistakes end it.
func (inv *invocation) load(ctx context.Context) ([]*pipeline.Pipeline, error) {
	pipelines, problems, err := inv.parse()
	if err != nil || inv.flags.warns(inv.command) {
		show(inv.runner, inv.Stderr, slices.DeleteFunc(problems, func(p pipeline.Problem) bool { return p.Note }))
	}
	if err != nil {
		return nil, err
	}
	for _, p := range pipelines {
		hideHooks(inv.runner.Mask, inv.env.Get, p.Notify)
		for name := range p.Variables() {
			inv.runner.Mask(inv.env.Get(name))
		}
	}
	notices(pipelines, func(text string) { inv.cautions.say(inv.console.Warn, text) })
	if err := inv.flags.resolvePlaces(pipelines); err != nil {
		return nil, err
	}
	if !inv.runner.Inside() && slices.ContainsFunc(pipelines, inv.flags.onGitHub) {
		inv.env.AtDesk(ctx, inv.runner.Mask)
	}
	return pipelines, inv.startSandbox(ctx, pipelines)
}

// onGitHub reports whether a pipeline's state is kept in its repository on GitHub.
func (f *flags) onGitHub(p *pipeline.Pipeline) bool {
	where := f.storeName(p)
	return where == pipeline.StoreGit || where == pipeline.StoreArtifact
}

// warns reports whether warnings about the pipeline file are this command's
// business: validate shows them itself, and a rehearsal or a person's word on a
// rollout is no occasion.
func (f *flags) warns(command string) bool {
	return !f.sandbox && (command == "plan" || command == "promote")
}

// one is the only pipeline of a command that takes one.
func (inv *invocation) one(ctx context.Context) (*pipeline.Pipeline, error) {
	if len(inv.flags.givenFiles()) > 1 {
		return nil, usage(errors.New("this command takes one --file; only reconcile, status and validate take several"))
	}
	pipelines, err := inv.load(ctx)
	if err != nil {
		return nil, err
	}
	return pipelines[0], nil
}

// notices says what the platforms that are used have to say, each once.
func notices(pipelines []*pipeline.Pipeline, say func(text string)) {
	for _, p := range pipelines {
		for t := range p.All() {
			if t.Platform.Notice != "" {
				say(t.Platform.Notice)
			}
		}
	}
}
