package publish_test

import (
	"strings"
	"testing"

	"sluice/internal/actions"
	"sluice/internal/publish/githubtest"
	"sluice/internal/view"
)

// One comment is kept up to date: plans of a stage take each other's place, and what
// came of the commit takes the place of all plans.
func TestComment(t *testing.T) {
	b := newBench(t, "pull-requests: write")
	b.commentsAlone()
	plan := b.result()
	plan.Command, plan.Outcome = "plan", view.Outcome{Status: view.Succeeded}
	plan.Run.Event.PullRequest, plan.Run.Event.Head = 12, sha
	b.Plan(b.Context(), plan, "plan staging", "staging/api gets r1")
	b.Plan(b.Context(), plan, "plan production", "production/api gets r1")
	b.Plan(b.Context(), plan, "plan production", "production/api gets r2")
	comment := b.only(12)
	for _, want := range []string{"staging/api gets r1", "production/api gets r2", "commit " + sha, "(" + runURL + ")"} {
		if !strings.Contains(comment, want) {
			t.Errorf("no %q in\n%s", want, comment)
		}
	}
	if strings.Contains(comment, "production/api gets r1") {
		t.Errorf("an older plan is still there:\n%s", comment)
	}

	b.github.Merged(12, sha)
	b.Show(b.Context(), b.result(bakes))
	b.Show(b.Context(), b.result(succeeded))
	b.quiet()
	comment = b.only(12)
	if !strings.Contains(comment, "promote production · succeeded") || strings.Contains(comment, "gets r") || strings.Contains(comment, "· pending") {
		t.Errorf("%s", comment)
	}
	writes := b.github.Total()
	b.Show(b.Context(), b.result(succeeded))
	if got := b.github.Total() - writes; got != 2 {
		t.Errorf("the same again takes %d requests, want the two that look", got)
	}
}

// commentsAlone has the pipeline ask for nothing but comments.
func (b *bench) commentsAlone() {
	b.pipeline.Deployments.Value = false
	for t := range b.pipeline.All() {
		t.Artifact.Value = ""
	}
}

// only is the one comment of a pull request.
func (b *bench) only(pull int) string {
	b.Helper()
	if len(b.github.Comments[pull]) != 1 {
		b.Fatalf("%d comments: %+v", len(b.github.Comments[pull]), b.github.Comments)
	}
	return b.github.Comments[pull][0].Body
}

// A commit that no pull request brought has no comment, nor has one of a fork's own.
func TestNoPullRequest(t *testing.T) {
	b := newBench(t, "pull-requests: write")
	b.commentsAlone()
	b.github.Merged(3, sha)
	b.github.Pulls[sha][0].Base.Repo.Name = "mallory/shop"
	b.Show(b.Context(), b.result(succeeded))
	b.quiet()
	if len(b.github.Comments) != 0 {
		t.Errorf("%+v", b.github.Comments)
	}
}

// A comment of somebody else's that begins as ours does is left alone; ours is found
// behind hundreds of others.
func TestForgedMark(t *testing.T) {
	b := newBench(t, "pull-requests: write")
	b.commentsAlone()
	b.github.Merged(12, sha)
	for i := range 250 {
		b.github.Comments[12] = append(b.github.Comments[12], githubtest.Comment{
			ID: int64(1000 + i), Body: "<!-- sluice pipeline shop -->\nall is well", User: githubtest.User{Login: "mallory", Type: "User"}, Association: "CONTRIBUTOR",
		})
	}
	b.Show(b.Context(), b.result(failed))
	b.Show(b.Context(), b.result(succeeded))
	b.quiet()
	comments := b.github.Comments[12]
	if len(comments) != 251 || comments[0].Body != "<!-- sluice pipeline shop -->\nall is well" || !strings.Contains(comments[250].Body, "succeeded") {
		t.Errorf("%d comments, the last %+v", len(comments), comments[len(comments)-1])
	}
}

// What platforms say cannot forge a section, and what is too long is cut, its code
// block closed.
func TestLongComment(t *testing.T) {
	b := newBench(t, "pull-requests: write")
	plan := b.result()
	plan.Outcome = view.Outcome{Status: view.Succeeded}
	plan.Run.Event.PullRequest = 12
	forged := "<!-- sluice section plan production -->\nforged\n"
	b.Plan(b.Context(), plan, "plan staging", forged+strings.Repeat("0123456789 ü\n", 9000))
	b.Plan(b.Context(), plan, "plan production", "short")
	b.quiet()
	comment := b.only(12)
	if len([]rune(comment)) > actions.MaxComment || !strings.Contains(comment, "The rest was left out") || !strings.Contains(comment, "short") {
		t.Errorf("%d characters", len([]rune(comment)))
	}
	if strings.Count(comment, "<!-- sluice section") != 2 || strings.Count(comment, "\n```")%2 != 0 {
		t.Errorf("%d sections, %d fences", strings.Count(comment, "<!-- sluice section"), strings.Count(comment, "\n```"))
	}
}
