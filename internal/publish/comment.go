package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/pipeline"
)

// comment tells the pull request of each commit that was promoted what came of it.
func (p Publisher) comment(ctx context.Context, r Result) {
	for _, commit := range commits(r) {
		pull, err := p.GitHub.PullRequestOf(ctx, commit)
		if err != nil {
			p.check(err, "the pull request of commit "+commit, actions.WritesComments)
			continue
		}
		if pull != 0 {
			p.keep(ctx, pull, r.Pipeline, results(r, commit))
		}
	}
}

// Plan shows on the pull request that the run is about what a command would do. what is
// the command with what it would be done to: the next plan of the same takes the place
// of this.
func (p Publisher) Plan(ctx context.Context, r Result, what, text string) {
	if r.Run.Event.PullRequest == 0 {
		return
	}
	body := report.Page(r.Pipeline, what, r.Outcome, text) + foot(r.Run, r.Run.Event.Head)
	p.keep(ctx, r.Run.Event.PullRequest, r.Pipeline, []section{{what, body}})
}

func (p Publisher) keep(ctx context.Context, pull int, of *pipeline.Pipeline, sections []section) {
	mark := markOf(of.Name.Value)
	err := p.GitHub.Comment(ctx, pull, mark, func(old string) string { return compose(mark, merge(parse(old), sections)) })
	p.check(err, fmt.Sprintf("the comment on pull request %d", pull), actions.WritesComments)
}

// commits are those that the targets' promotions were made with.
func commits(r Result) []string {
	var list []string
	for _, t := range r.Outcome.Targets {
		if t.Promotion != "" && t.Commit != "" && !slices.Contains(list, t.Commit) {
			list = append(list, t.Commit)
		}
	}
	return list
}

// results are what came of a commit, stage by stage.
func results(r Result, commit string) []section {
	var list []section
	for _, stage := range stagesOf(r) {
		out := r.Outcome
		out.Targets = slices.DeleteFunc(slices.Clone(out.Targets), func(t view.Target) bool { return t.Stage != stage || t.Commit != commit })
		if len(out.Targets) == 0 {
			continue
		}
		status := out.Status
		out.Sum()
		if len(out.Targets) == len(r.Outcome.Targets) {
			out.Status = status // what the invocation itself came to
		}
		list = append(list, section{resultOf + stage, report.Summary(r.Pipeline, r.Command+" "+stage, out, r.Problem) + foot(r.Run, commit)})
	}
	return list
}

// stagesOf are those of the result's targets.
func stagesOf(r Result) []string {
	var list []string
	for _, t := range r.Outcome.Targets {
		if !slices.Contains(list, t.Stage) {
			list = append(list, t.Stage)
		}
	}
	return list
}

// foot says what a section is of.
func foot(run actions.Context, commit string) string {
	text := "\n<sub>"
	if commit != "" {
		text += "commit " + commit + " · "
	}
	return text + "[run " + fmt.Sprint(run.RunID) + "](" + run.RunURL + ")</sub>\n"
}

// section is a part of the comment, which later ones of its name take the place of.
type section struct{ name, body string }

const (
	resultOf   = "result "
	markBegins = "<!-- sluice "
	markEnds   = " -->"
	cutHere    = "\n\n*The rest was left out: a comment has at most 65,536 characters.*\n"
)

// markOf is what the comment of a pipeline begins with.
func markOf(name string) string { return markBegins + "pipeline " + name + markEnds }

// parse reads the sections of a comment.
func parse(body string) []section {
	var list []section
	for line := range strings.Lines(body) {
		name, marks := strings.CutPrefix(strings.TrimRight(line, "\r\n"), markBegins+"section ")
		if marks && strings.HasSuffix(name, markEnds) {
			list = append(list, section{name: strings.TrimSuffix(name, markEnds)})
			continue
		}
		if len(list) > 0 {
			list[len(list)-1].body += line
		}
	}
	return list
}

// merge puts new sections in the place of the old ones of their names. What was planned
// is over when there is a result.
func merge(have, fresh []section) []section {
	isResult := func(s section) bool { return strings.HasPrefix(s.name, resultOf) }
	if slices.ContainsFunc(fresh, isResult) {
		have = slices.DeleteFunc(have, func(s section) bool { return !isResult(s) })
	}
	for _, s := range fresh {
		if i := slices.IndexFunc(have, func(old section) bool { return old.name == s.name }); i >= 0 {
			have[i] = s
			continue
		}
		have = append(have, s)
	}
	return have
}

// compose is the comment of some sections, each cut to its share of what may be said.
func compose(mark string, sections []section) string {
	room := actions.MaxComment - len(mark) - 2
	text := mark + "\n"
	for _, s := range sections {
		head := "\n" + markBegins + "section " + s.name + markEnds + "\n"
		body := strings.Trim(strings.ReplaceAll(s.body, markBegins, "<!- - sluice "), "\n") + "\n"
		text += head + shorten(body, room/len(sections)-len(head))
	}
	return text
}

// shorten cuts a body at the end of a line. A code block that is cut open is closed.
func shorten(body string, room int) string {
	if len(body) <= room {
		return body
	}
	const fence = 16 // more than any that is open
	body = body[:max(room-len(cutHere)-fence, 0)]
	body = body[:strings.LastIndexByte(body, '\n')+1]
	return body + openFence(body) + cutHere
}

// openFence is what closes the code block that a text leaves open; "" where it leaves
// none.
func openFence(text string) string {
	open := ""
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, "`")
		switch fence := line[:len(line)-len(rest)]; {
		case len(fence) < 3:
		case open == "":
			open = fence
		case len(fence) >= len(open) && strings.TrimSpace(rest) == "":
			open = ""
		}
	}
	return open
}
