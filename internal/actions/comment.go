package actions

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"
)

// WritesComments is the permission that [Client.Comment] needs.
const WritesComments = "pull-requests: write"

const (
	// MaxComment is the most characters of a comment.
	MaxComment = 65_536
	// mostPages of a pull request's comments are looked through, a hundred on each.
	mostPages = 30
)

// Comment keeps one comment on a pull request up to date: the one that begins with the
// mark. body makes the whole text, mark included, of the text that stands; "" where
// there is none yet. A text that stands already is left. A comment counts only if it is
// a program's, or of somebody who belongs to the repository: others could write the mark
// to have their own comment taken for it. The token needs [WritesComments].
func (c *Client) Comment(ctx context.Context, pull int, mark string, body func(old string) string) error {
	have, err := c.marked(ctx, pull, mark)
	if err != nil {
		return err
	}
	text := body(have.GetBody())
	if have != nil && have.GetBody() == text {
		return nil
	}
	var answer *github.IssueComment
	if have == nil {
		answer, _, err = c.Issues.CreateComment(ctx, c.Owner, c.Name, pull, &github.IssueComment{Body: &text})
	} else {
		answer, _, err = c.Issues.EditComment(ctx, c.Owner, c.Name, have.GetID(), &github.IssueComment{Body: &text})
	}
	if err == nil && answer.GetID() == 0 {
		return &AnswerError{"a comment", errors.New("it has no id")}
	}
	return err
}

// marked is the comment with the mark; nil where there is none.
func (c *Client) marked(ctx context.Context, pull int, mark string) (*github.IssueComment, error) {
	page := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100, Page: 1}}
	for page.Page <= mostPages {
		comments, response, err := c.Issues.ListComments(ctx, c.Owner, c.Name, pull, page)
		if err != nil {
			return nil, err
		}
		for _, one := range comments {
			if strings.HasPrefix(one.GetBody(), mark) && one.GetID() != 0 && belongs(one) {
				return one, nil
			}
		}
		if response.NextPage == 0 {
			return nil, nil
		}
		page.Page = response.NextPage
	}
	return nil, nil
}

// belongs reports whether a comment may be ours.
func belongs(c *github.IssueComment) bool {
	return c.GetUser().GetType() == "Bot" || slices.Contains([]string{"OWNER", "MEMBER", "COLLABORATOR"}, c.GetAuthorAssociation())
}

// PullRequestOf is the number of the pull request by which a commit came to its branch;
// 0 where none brought it. The token needs `pull-requests: read`. One request.
func (c *Client) PullRequestOf(ctx context.Context, commit string) (int, error) {
	pulls, _, err := c.PullRequests.ListPullRequestsWithCommit(ctx, c.Owner, c.Name, commit, &github.ListOptions{PerPage: 100})
	if err != nil {
		return 0, err
	}
	merged := slices.DeleteFunc(pulls, func(p *github.PullRequest) bool {
		return p.MergedAt == nil || !strings.EqualFold(p.GetBase().GetRepo().GetFullName(), c.Owner+"/"+c.Name)
	})
	if len(merged) == 0 {
		return 0, nil
	}
	if i := slices.IndexFunc(merged, func(p *github.PullRequest) bool { return p.GetMergeCommitSHA() == commit }); i >= 0 {
		return merged[i].GetNumber(), nil
	}
	return merged[0].GetNumber(), nil
}
