package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/ask"
	"sluice/internal/draft"
	"sluice/internal/platform"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/stages/driver"
)

func initCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "init [PLATFORM NAME…]", Short: "Write the pipeline file and the workflows from what exists",
		Long: `Init reads what exists on a platform and writes the pipeline file for it, with a
comment on what each key does, and the workflows that run it, with the permissions
that they need and no others. Without words it asks, at a terminal. It changes nothing
on the platform, and no file that is there already unless --overwrite says so.

Several names, where a platform has no order of its own, are those of the stages, first
to last. What the names of places say (staging, prod) beats that.

` + findable(inv.facts()),
		Example: initExamples(inv.facts()),
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return runInit(cmd.Context(), inv, args) },
	}
	cmd.Flags().BoolVar(&inv.flags.overwrite, "overwrite", false, "replace files that are there already")
	cmd.Flags().BoolVar(&inv.flags.noWorkflows, "no-workflows", false, "write the pipeline file alone")
	cmd.Flags().StringVar(&inv.flags.out, "out", "", "the repository's `folder` (default the working directory)")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return finders(inv.facts()), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// finders are the platforms on which what exists can be found.
func finders(facts []driver.Facts) []string {
	var names []string
	for _, f := range facts {
		if f.Finds.What != "" {
			names = append(names, f.Platform)
		}
	}
	return names
}

// findable says, platform by platform, how what exists is named.
func findable(facts []driver.Facts) string {
	var b strings.Builder
	for _, f := range facts {
		if f.Finds.What != "" {
			fmt.Fprintf(&b, "    %-18s %-31s %s\n", f.Platform, f.Finds.What, f.Finds.About)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func initExamples(facts []driver.Facts) string {
	var lines []string
	for _, f := range facts {
		if f.Finds.What != "" {
			lines = append(lines, "  sluice init "+f.Platform+" "+f.Finds.Example)
		}
	}
	if len(lines) == 0 {
		return "" // no platform here can be looked through
	}
	return strings.Join(append(lines[:min(len(lines), 3)], lines[0]+" --sandbox   # rehearse it, without any account"), "\n")
}

// runInit finds out what exists and writes the files for it.
func runInit(ctx context.Context, inv *invocation, args []string) error {
	if slices.Contains(inv.flags.files, "-") || len(inv.flags.files) > 1 {
		return usage(errors.New("init writes one pipeline file: name it with --file"))
	}
	person := missing{platforms: inv.facts(), stdin: inv.Stdin, terminal: inv.terminal, nobody: inv.env.Unattended()}
	facts, names, err := person.wanted(ctx, args)
	if err != nil {
		return err
	}
	if err := sandboxOf(ctx, inv, facts, names); err != nil {
		return err
	}
	sources, err := find(ctx, inv, facts, names)
	if err != nil {
		return err
	}
	d, err := draft.Of(facts, sources)
	if err != nil {
		return err
	}
	written, p, err := filesOf(&inv.flags, inv.facts(), d, "sluice init "+strings.Join(append([]string{facts.Platform}, names...), " "), func(problems []pipeline.Problem) {
		show(inv.runner, inv.Stderr, problems)
	})
	if err != nil {
		return err
	}
	if err := writeNew(written, inv.flags.overwrite); err != nil {
		return err
	}
	inv.result = &result{
		outcome: view.Outcome{Status: view.Succeeded}, text: initialised(p, facts.Login, written),
		extra: map[string]any{"files": pathsOf(written), "notes": d.Notes},
	}
	return nil
}

// missing is what the command line of init lacks: it is asked for at the terminal.
type missing struct {
	platforms []driver.Facts
	stdin     io.Reader
	terminal  io.Writer
	nobody    bool // is there, as the environment says
}

// wanted is the platform and the names that the command line has, or that a person
// at the terminal gives.
func (a missing) wanted(ctx context.Context, args []string) (driver.Facts, []string, error) {
	if len(args) == 0 || len(args) == 1 {
		var err error
		if args, err = a.asked(ctx, args); err != nil {
			return driver.Facts{}, nil, err
		}
	}
	facts, err := finder(a.platforms, args[0])
	return facts, args[1:], err
}

// finder are the facts of a platform on which what exists can be found.
func finder(all []driver.Facts, name string) (driver.Facts, error) {
	i := slices.IndexFunc(all, func(f driver.Facts) bool { return f.Platform == name && f.Finds.What != "" })
	if i < 0 {
		return driver.Facts{}, usage(fmt.Errorf("%q is no platform that init can read; it reads %s", name, strings.Join(finders(all), ", ")))
	}
	return all[i], nil
}

// asked are the words of the command line after a person was asked for those that
// are missing.
func (a missing) asked(ctx context.Context, args []string) ([]string, error) {
	if len(args) == 1 {
		if _, err := finder(a.platforms, args[0]); err != nil {
			return nil, err
		}
	}
	person, there, err := ask.Between(a.stdin, a.terminal)
	if err != nil {
		return nil, fmt.Errorf("ask at the terminal: %w; name the platform and what is there instead: sluice init PLATFORM NAME", err)
	}
	if !there || a.nobody {
		if there {
			person.Close()
		}
		return nil, usage(fmt.Errorf("say the platform and the name of what is there; there is no terminal to ask at:\n%s", findable(a.platforms)))
	}
	defer person.Close()
	return a.question(ctx, person, args)
}

// question asks for the platform and for what is there.
func (a missing) question(ctx context.Context, person *ask.Person, args []string) ([]string, error) {
	if len(args) == 0 {
		var options []ask.Option
		for _, f := range a.platforms {
			if f.Finds.What != "" {
				options = append(options, ask.Option{Name: f.Platform, About: f.Title})
			}
		}
		platform, err := person.Choose(ctx, "Where does it run?", options)
		if err != nil {
			return nil, usage(err)
		}
		args = []string{platform}
	}
	facts, err := finder(a.platforms, args[0])
	if err != nil {
		return nil, err
	}
	person.Say(fmt.Sprintf("%s: %s, such as %s", facts.Finds.What, facts.Finds.About, facts.Finds.Example))
	text, err := person.Text(ctx, "which one")
	if err != nil {
		return nil, usage(err)
	}
	return append(args, strings.Fields(text)...), nil
}

// sandboxOf starts the emulators where --sandbox asks for them, with an example of
// what is named.
func sandboxOf(ctx context.Context, inv *invocation, facts driver.Facts, names []string) error {
	faults, err := inv.flags.inSandbox()
	if err != nil || !inv.flags.sandbox {
		return err
	}
	var pipelines []*pipeline.Pipeline
	if p := example(inv.Clock.Now, inv.facts(), facts.Platform, names); p != nil {
		pipelines = append(pipelines, p)
	}
	server, _, err := inv.emulate(ctx, pipelines, faults, "")
	if err == nil {
		inv.env.Lead(server.Env())
	}
	return err
}

// example is a pipeline of what may exist under names; nil where they mean nothing.
func example(now func() time.Time, all []driver.Facts, platform string, names []string) *pipeline.Pipeline {
	for _, e := range emulators.Emulators(now) {
		exampler, ok := e.(sandbox.Exampler)
		if e.Platform() != platform || !ok {
			continue
		}
		last := names[0][strings.LastIndex(names[0], "/")+1:]
		file, err := sandbox.ExampleFile(draft.Name(last), platform, exampler.Example(names))
		if err != nil {
			return nil
		}
		p, _ := pipeline.Parse("example", file, all)
		return p
	}
	return nil
}

// find reads what exists under each of the names.
func find(ctx context.Context, inv *invocation, facts driver.Facts, names []string) ([]draft.Source, error) {
	w := work.Begin(ctx, inv.Clock, work.Limits{Budget: inv.flags.waitBudget, Inline: inv.flags.inlineWait, Places: inv.flags.concurrency})
	defer w.End()
	platforms := platform.Open(platform.Config{Env: inv.ofDrivers(), Platforms: inv.platforms, Redact: inv.runner.Redact}).During(w)
	var sources []draft.Source
	var failures []error
	for _, name := range names {
		found, err := platforms.Find(ctx, facts.Platform, name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		sources = append(sources, draft.Source{What: name, Found: shown(inv, found)}) // what is found is written into files
	}
	return sources, errors.Join(failures...)
}

// newFile is a file to be written.
type newFile struct {
	path string // from the working directory
	text []byte
}

// filesOf are the files of a draft, the pipeline file first. It is held to validate's
// rules before anything is written.
func filesOf(f *flags, all []driver.Facts, d draft.Draft, command string, told func([]pipeline.Problem)) ([]newFile, *pipeline.Pipeline, error) {
	name := pipeline.FileNames()[0]
	if len(f.files) == 1 {
		name = f.files[0]
	}
	text := d.File(command)
	p, problems := pipeline.Parse(filepath.ToSlash(name), text, all)
	if pipeline.Failed(problems) {
		told(problems)
		return nil, nil, fmt.Errorf("no pipeline file can be made of what exists there by itself; nothing was written. Begin with an example instead, as docs/pipeline-file.md has it:\n%s", text)
	}
	files := []newFile{{path: filepath.Join(f.out, name), text: text}}
	if f.noWorkflows {
		return files, p, nil
	}
	workflows, err := d.Workflows(filepath.ToSlash(name))
	if err != nil {
		return nil, nil, err
	}
	for _, w := range workflows {
		files = append(files, newFile{path: filepath.Join(f.out, ".github", "workflows", w.Name), text: w.Text})
	}
	return files, p, nil
}

// writeNew writes files, none of them over another unless that was said.
func writeNew(files []newFile, overwrite bool) error {
	var there []string
	for _, f := range files {
		have, err := os.ReadFile(f.path)
		if err == nil && !bytes.Equal(have, f.text) {
			there = append(there, filepath.ToSlash(f.path))
		}
	}
	if len(there) > 0 && !overwrite {
		return usage(fmt.Errorf("%s would be replaced; nothing was written. Say --overwrite to replace, --file or --out to write elsewhere, --no-workflows to write the pipeline file alone", strings.Join(there, ", ")))
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil { //nolint:gosec // a repository's folders
			return fmt.Errorf("write %s: %w; name another folder with --out", f.path, err)
		}
		if err := os.WriteFile(f.path, f.text, 0o644); err != nil { //nolint:gosec // a repository's files
			return fmt.Errorf("write %s: %w; name another folder with --out", f.path, err)
		}
	}
	return nil
}

func pathsOf(files []newFile) []string {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = filepath.ToSlash(f.path)
	}
	return paths
}

// initialised says what was written, what the workflows need, and what to try next.
func initialised(p *pipeline.Pipeline, login driver.Login, files []newFile) string {
	var b strings.Builder
	for _, path := range pathsOf(files) {
		fmt.Fprintf(&b, "wrote %s\n", path)
	}
	fmt.Fprintf(&b, "%s\n", describe(p))
	if len(files) > 1 {
		if len(login.Secrets) > 0 {
			fmt.Fprintf(&b, "The workflows read the repository's secret %s.\n", strings.Join(login.Secrets, " and "))
		}
		if len(login.Variables) > 0 {
			fmt.Fprintf(&b, "The workflows read the repository's variables %s: docs/how-to/oidc.md says what they are.\n", strings.Join(login.Variables, " and "))
		}
	}
	b.WriteString("\nTry next:\n")
	for _, line := range tryNext(p, files) {
		b.WriteString("  sluice " + line + "\n")
	}
	return b.String()
}

// tryNext are three commands, each accepted now.
func tryNext(p *pipeline.Pipeline, files []newFile) []string {
	file := ""
	if path := files[0].path; path != pipeline.FileNames()[0] {
		file = " --file " + driver.Shell(filepath.ToSlash(path))
	}
	if len(p.Stages) == 1 {
		return []string{"validate" + file, "status --sandbox" + file, "status" + file}
	}
	to := p.Stages[1].Name.Value
	return []string{"validate" + file, "promote --sandbox --to " + to + file, "plan --to " + to + file}
}
