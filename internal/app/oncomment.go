package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
)

// said is what a comment says to Sluice.
type said struct {
	command string // approve or reject
	place   string // a target or a stage
	release string // "" where the comment names none
	words   string // the lines after the first: why
	at      time.Time
}

// toSluice is how the first line of a comment begins that is for Sluice.
const toSluice = "/sluice"

const howToSay = "write `/sluice approve TARGET` or `/sluice reject TARGET`, with the release after it if you like, and why in the lines below"

func onCommentCommand(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use: "on-comment", Short: "Take a comment on GitHub for an approver's word",
		Long: `On-comment reads the comment that started this run (on: issue_comment). Where its
first line is ` + "`/sluice approve TARGET [RELEASE]`" + `, or reject, it does what approve
and reject do, with its author's word; any other comment is none of its business.
Only stages with approval: {comments: true} take such words, only new comments
count, only of people who may write to the repository and whom the file names,
and only for what waited when the comment was written.`,
		Example: `  sluice on-comment   # in a workflow with on: issue_comment`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runOnComment(cmd.Context(), inv) },
	}
}

func runOnComment(ctx context.Context, inv *invocation) error {
	run, err := inv.runner.Context()
	if err != nil {
		return err
	}
	if !inv.runner.Inside() || run.EventName != eventComment {
		return usage(errors.New("on-comment reads the comment of a run that was started by `on: issue_comment`, and this is none"))
	}
	s, isToUs, err := readComment(run.Event)
	if err != nil {
		return err
	}
	if !isToUs {
		inv.result = &result{outcome: view.Outcome{Status: view.Unchanged}, text: "the comment says nothing to Sluice"}
		return nil
	}
	inv.command, inv.said, inv.flags.places, inv.flags.comment = s.command, s, []string{s.place}, s.words
	return give(ctx, inv, s.command)
}

// readComment reads what a comment says; false where it is not for Sluice. Whatever
// stands in it is anybody's: it is compared, and never run.
func readComment(e actions.Event) (said, bool, error) {
	first, rest, _ := strings.Cut(strings.ReplaceAll(e.Comment, "\r\n", "\n"), "\n")
	words := strings.Fields(first)
	if len(words) == 0 || words[0] != toSluice || !strings.HasPrefix(first, toSluice) {
		return said{}, false, nil
	}
	if len(words) < 3 || len(words) > 4 || !isVote(words[1]) {
		return said{}, true, planner.Refuse(fmt.Sprintf("the comment says %q to Sluice", first), howToSay)
	}
	s := said{command: words[1], place: words[2], words: strings.TrimSpace(rest), at: e.CommentTime}
	if len(words) == 4 {
		s.release = words[3]
	}
	if s.at.IsZero() {
		return said{}, true, planner.Refuse("the event does not say when the comment was written", howToSay)
	}
	return s, true, nil
}

// mayComment refuses a word by comment on stages that take none.
func mayComment(runner *actions.Runner, command string, targets []*pipeline.Target) error {
	run, err := runner.Context()
	if err != nil || !runner.Inside() || run.EventName != eventComment || !isVote(command) {
		return err
	}
	i := slices.IndexFunc(targets, func(t *pipeline.Target) bool { return t.Stage.Approval == nil || !t.Stage.Approval.Comments })
	if i < 0 {
		return nil
	}
	stage := targets[i].Stage.Name.Value
	return planner.Refuse(fmt.Sprintf("cannot %s by comment: stage %s takes no words by comment", command, stage),
		"say it in a run that you start by `gh workflow run`, or let comments count there: approval: {comments: true}")
}
