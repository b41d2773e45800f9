package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/planner"
)

// The events of GitHub by which a person says something. The first two can only
// be started by people who may write to the repository; a comment anybody may
// make who can read it.
const (
	eventDispatch   = "workflow_dispatch"
	eventRepository = "repository_dispatch"
	eventComment    = "issue_comment"
	eventRelease    = "release" // a person's too, but no word on an approval
)

// wayToVote names what works, for whoever is refused.
const wayToVote = "say it in a run of your own: start a workflow that has `on: workflow_dispatch` with `gh workflow run FILE` or the button Run workflow, " +
	"as examples/workflows/decide.yml has it, or comment where a workflow has `on: issue_comment`"

// mayVote refuses an approval or a rejection in a run of GitHub Actions that is
// no person's word: GitHub runs workflows for pushes, schedules and strangers
// too, and names somebody as the actor of each. Outside Actions the engine
// decides.
func (r repository) mayVote(ctx context.Context, command string) error {
	if !r.runner.Inside() || !isVote(command) {
		return nil
	}
	run, err := r.runner.Context()
	if err != nil {
		return err
	}
	why, remedy := nobodysWord(run)
	if why == "" && run.EventName == eventComment {
		why, remedy = r.strangersWord(ctx, run)
	}
	if why == "" {
		return nil
	}
	return planner.Refuse("cannot "+command+": "+why, remedy)
}

// mayInEmergency refuses an approval in an emergency by somebody who does not
// maintain the repository, as GitHub says. Outside Actions nobody says so.
func (r repository) mayInEmergency(ctx context.Context, f *flags) error {
	if !f.emergency {
		return nil
	}
	if f.reason == "" {
		return usage(errors.New("--emergency needs --reason: it is recorded"))
	}
	if !r.runner.Inside() {
		return planner.Refuse("cannot approve in an emergency: outside GitHub Actions nobody says who maintains the repository", "approve from a workflow run")
	}
	run, err := r.runner.Context()
	if err != nil {
		return err
	}
	client, err := r.runner.GitHub()
	if err != nil {
		return planner.Refuse("whether "+run.Actor+" maintains "+run.Repository+" cannot be asked: "+err.Error(), actions.Remedy(err, "metadata: read"))
	}
	reading, done := r.within(ctx, false)
	defer done()
	does, err := client.Maintains(reading, run.Actor)
	switch {
	case err != nil:
		return planner.Refuse("whether "+run.Actor+" maintains "+run.Repository+" could not be asked: "+err.Error(), actions.Remedy(err, "metadata: read"))
	case !does:
		return planner.Refuse("cannot approve in an emergency: "+run.Actor+" does not maintain "+run.Repository, "a maintainer or an admin of the repository may")
	default:
		return nil
	}
}

// nobodysWord says why a run is no person's word; "" where it may be.
func nobodysWord(run actions.Context) (why, remedy string) {
	switch {
	case run.Actor == "":
		return "GitHub names nobody who started this run (GITHUB_TRIGGERING_ACTOR and GITHUB_ACTOR are empty)", wayToVote
	case isBot(run):
		return run.Actor + " is not a person; approvals count only from people", wayToVote
	case !isVoteEvent(run.EventName):
		event := run.EventName
		if event == "" {
			event = "an event that is not named"
		}
		return fmt.Sprintf("no person said it: this run was started by %s, which anybody, or nobody, may bring about", event), wayToVote
	case run.Starter != "" && !strings.EqualFold(run.Starter, run.Actor):
		return fmt.Sprintf("%s started this run and %s repeated it, so neither says it now", run.Starter, run.Actor), wayToVote
	case run.EventName == eventComment && run.Event.Action != "created":
		return "only a new comment counts, and this one was " + orUnknown(run.Event.Action), "write a new comment"
	case run.EventName == eventComment && !strings.EqualFold(run.Event.Commenter, run.Actor):
		return fmt.Sprintf("the comment is by %s, and the run by %s", orUnknown(run.Event.Commenter), run.Actor), wayToVote
	default:
		return "", ""
	}
}

// isVote reports whether a command is a word on an approval.
func isVote(command string) bool {
	return command == planner.CommandApprove || command == planner.CommandReject
}

// isSaid reports whether a run is a person's word.
func isSaid(run actions.Context) bool {
	why, _ := nobodysWord(run)
	return why == ""
}

func isBot(run actions.Context) bool {
	return strings.HasSuffix(run.Actor, "[bot]") || run.Event.SenderType == "Bot"
}

func isVoteEvent(name string) bool {
	return name == eventDispatch || name == eventRepository || name == eventComment
}

func orUnknown(word string) string {
	if word == "" {
		return "(not told)"
	}
	return word
}

// strangersWord says why a comment does not count: whoever can read an issue can
// comment there, so GitHub is asked whether its author may write.
func (r repository) strangersWord(ctx context.Context, run actions.Context) (why, remedy string) {
	client, err := r.runner.GitHub()
	if err != nil {
		return "whether " + run.Actor + " may write to " + run.Repository + " cannot be asked: " + err.Error(), actions.Remedy(err, "metadata: read")
	}
	reading, done := r.within(ctx, false)
	defer done()
	may, err := client.MayWrite(reading, run.Actor)
	switch {
	case err != nil:
		return "whether " + run.Actor + " may write to " + run.Repository + " could not be asked: " + err.Error(), actions.Remedy(err, "metadata: read")
	case !may:
		return run.Actor + " may not write to " + run.Repository, "somebody who may has to comment"
	default:
		return "", ""
	}
}

// isInTeam asks GitHub whether a person is in a team, "@org/team".
func (r repository) isInTeam(ctx context.Context, team, login string) (bool, error) {
	client, err := r.runner.GitHub()
	if err != nil {
		return false, err
	}
	organisation, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
	reading, done := r.within(ctx, false)
	defer done()
	return client.InTeam(reading, organisation, slug, login)
}
