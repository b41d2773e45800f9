package draft

import (
	"fmt"
	"slices"
	"strings"

	"sluice/examples/workflows"
	"sluice/stages/driver"
)

// Workflow is one that runs the pipeline.
type Workflow struct {
	Name string // of the file, below .github/workflows
	Text []byte
}

// names are the workflows that a pipeline gets; run.yml is called by the others.
func workflowNames() []string {
	return []string{"run.yml", "promote.yml", "back.yml", "decide.yml", "reconcile.yml"}
}

// Workflows are the example workflows, fitted to the draft: its stages to choose from,
// and its platform's way to credentials. file is the pipeline file's name.
func (d Draft) Workflows(file string) ([]Workflow, error) {
	var list []Workflow
	for _, name := range workflowNames() {
		text, err := workflows.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		fitted, err := d.fit(name, string(text), file)
		if err != nil {
			return nil, fmt.Errorf("workflow %s: %w", name, err)
		}
		list = append(list, Workflow{Name: name, Text: []byte(fitted)})
	}
	return list, nil
}

// fit makes a workflow the draft's. The places that it changes are lines of the
// examples: one that is not there is an error.
func (d Draft) fit(name, text, file string) (string, error) {
	f := &fitting{text: text}
	if d.Facts.Login.IDToken && name != "run.yml" {
		f.replace("permissions: {contents: write, actions: read}", "permissions: {contents: write, actions: read, id-token: write}")
	}
	switch name {
	case "run.yml":
		f.login(d.Facts.Login)
		f.file(file)
	case "promote.yml":
		preset := min(1, len(d.Stages)-1) // the first has no stage before it
		f.replace("options: [staging, production], default: staging", options(d.Stages, preset))
		f.replace("-f to=staging", "-f to="+d.Stages[preset].Name)
	case "back.yml", "decide.yml":
		f.replace("options: [production, staging], default: production", options(reversed(d.Stages), 0))
		f.replace("-f stage=production", "-f stage="+d.Stages[len(d.Stages)-1].Name)
	}
	return f.text, f.err
}

func reversed(stages []Stage) []Stage {
	stages = slices.Clone(stages)
	slices.Reverse(stages)
	return stages
}

// options are stages to choose from.
func options(stages []Stage, preset int) string {
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = scalar(s.Name)
	}
	return fmt.Sprintf("options: [%s], default: %s", strings.Join(names, ", "), names[preset])
}

// fitting is a workflow on its way.
type fitting struct {
	text string
	err  error
}

// replace replaces what is there once.
func (f *fitting) replace(from, to string) {
	if n := strings.Count(f.text, from); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%q is there %d times, not once", from, n)
	}
	f.text = strings.Replace(f.text, from, to, 1)
}

// between replaces the lines after one and before another.
func (f *fitting) between(after, before, to string) {
	head, rest, found := strings.Cut(f.text, after+"\n")
	_, tail, ends := strings.Cut(rest, before)
	if (!found || !ends) && f.err == nil {
		f.err = fmt.Errorf("there is no %q before a %q", after, before)
		return
	}
	f.text = head + after + "\n" + to + before + tail
}

// login has the job get the platform's credentials, and no others.
func (f *fitting) login(l driver.Login) {
	var declared, passed strings.Builder
	for _, name := range l.Secrets {
		fmt.Fprintf(&declared, "      %s: {required: true}\n", name)
		fmt.Fprintf(&passed, "      %s: ${{ secrets.%s }}\n", name, name)
	}
	const secrets = "    secrets: # each platform's own; Google's, and AWS's too, better without: docs/how-to/oidc.md"
	f.between(secrets, "    outputs:\n      status:", declared.String())
	f.between("    env:", "    steps:\n", passed.String())
	if declared.Len() == 0 {
		f.replace(secrets+"\n", "")
		f.replace("    env:\n", "")
	} else {
		f.replace(secrets, "    secrets:")
	}
	if l.Steps != "" {
		const sluice = "      - id: sluice\n"
		f.replace(sluice, indented("      ", l.Steps)+sluice)
	}
	if l.IDToken {
		f.replace("#   actions: read    whether", "#   id-token: write  GitHub's word on which job this is, exchanged for credentials\n#   actions: read    whether")
	}
}

// file names the pipeline file where Sluice would not find it by itself.
func (f *fitting) file(name string) {
	if name == "sluice.yaml" || name == ".github/sluice.yaml" {
		return
	}
	f.replace("file: ${{ inputs.file }}", "file: ${{ inputs.file || '"+strings.ReplaceAll(name, "'", "''")+"' }}")
}

// indented is a block of lines further to the right.
func indented(by, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}
