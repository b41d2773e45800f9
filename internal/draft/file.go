package draft

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/internal/outside"
	"sluice/stages/driver"
)

// File is the pipeline file. command is what wrote it, for its first line.
func (d Draft) File(command string) []byte {
	w := &writer{}
	w.head(d, command)
	w.line("name: %s # the key of the pipeline's state: with another name its history begins anew", scalar(d.Name))
	w.line("")
	w.line("# Where state is kept: what was intended, what happened, who approved. git is a branch of")
	w.line("# this repository, sluice-state; s3://bucket/prefix serves several repositories.")
	w.line("state: {store: git}")
	w.line("")
	w.line("# The stages, first to last. What runs in one is what the next one gets.")
	w.line("stages:")
	for n, s := range d.Stages {
		if n > 0 {
			w.line("")
		}
		w.stage(d, n, s)
	}
	return []byte(w.b.String())
}

// writer writes lines of YAML.
type writer struct {
	b         strings.Builder
	explained bool // the platform's keys were
}

func (w *writer) line(format string, values ...any) {
	fmt.Fprintf(&w.b, format+"\n", values...)
}

// comment is untrusted text as a comment.
func (w *writer) comment(indent, text string) {
	w.line("%s# %s", indent, outside.Line(text))
}

func (w *writer) head(d Draft, command string) {
	w.comment("", "What Sluice promotes, written by `"+command+"` from what exists; it is yours now.")
	w.line("# `sluice validate` finds every mistake in it; docs/pipeline-file.md has every key.")
	for _, note := range d.Notes {
		w.comment("", "Note: "+note)
	}
}

func (w *writer) stage(d Draft, n int, s Stage) {
	last := n == len(d.Stages)-1
	w.line("  - name: %s", scalar(s.Name))
	if s.Guessed && len(d.Stages) > 1 {
		w.line("    # Nothing says where this stage belongs: move it to its place in the order.")
	}
	if last && len(d.Stages) > 1 {
		w.line("    # Who must agree before a rollout begins here; anybody of them is enough.")
		w.line("    # approval: {approvers: [octocat, \"@acme/release\"], timeout: 24h}")
		w.line("    # What a target's failure means for the others: continue (unless said), halt, rollback.")
		w.line("    # onFailure: halt")
	}
	w.line("    targets:")
	for i, t := range s.Targets {
		w.target(d, t, last && i == 0 && len(d.Stages) > 1)
	}
}

func (w *writer) target(d Draft, t Target, mayHaveCanary bool) {
	if t.Note != "" {
		w.comment("      ", t.Note)
	}
	w.line("      - name: %s", scalar(t.Name))
	if t.Component != "" {
		w.line("        component: %s%s", scalar(t.Component), w.once("the chain of targets that one release travels"))
	}
	if t.From != "" {
		w.line("        from: %s # the target whose release it gets: several could be meant", scalar(t.From))
	}
	w.line("        %s:", d.Facts.Platform)
	w.keys(d.Facts, t.Config)
	w.explained = true
	if mayHaveCanary && d.Facts.Supports(driver.Weight) {
		w.line("        # The new release gets 10 %% of the traffic, then 50 %%, then all of it:")
		w.line("        # strategy:")
		w.line("        #   canary: {percentages: [10, 50], wait: 30m%s}", disables(d.Facts))
	}
}

// disables ends a canary where that leaves settings behind.
func disables(f driver.Facts) string {
	if f.Split.Leaves {
		return ", disable: true"
	}
	return ""
}

// once is a comment that the first target alone has.
func (w *writer) once(text string) string {
	if w.explained || text == "" {
		return ""
	}
	return " # " + outside.Line(text)
}

// keys are the platform's keys of a target, in the platform's order, each with what it
// does.
func (w *writer) keys(f driver.Facts, config json.RawMessage) {
	var have map[string]json.RawMessage
	if json.Unmarshal(config, &have) != nil {
		return // a driver's own data always decodes; without keys, validate refuses the file
	}
	for _, k := range f.Keys {
		if value, ok := have[k.Name]; ok && string(value) != `""` {
			w.line("          %s: %s%s", k.Name, inline(value), w.once(k.Doc))
		}
	}
}

// inline is a JSON value as YAML in one line.
func inline(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return scalar(text)
	}
	var list []string
	if json.Unmarshal(value, &list) == nil {
		for i := range list {
			list[i] = scalar(list[i])
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return string(value)
}

// scalar is a text as a YAML scalar. What YAML could take for something else is quoted
// as JSON does, which YAML reads too.
func scalar(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	words := []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
	if plain.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	quoted, _ := json.Marshal(text) // a text always encodes
	return string(quoted)
}
