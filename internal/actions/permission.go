package actions

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Maintains reports whether a person may maintain the repository: they are an
// admin of it, or have the role maintain, which the permission alone tells as write.
func (c *Client) Maintains(ctx context.Context, login string) (bool, error) {
	req, err := c.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/collaborators/%s/permission", c.Owner, c.Name, url.PathEscape(login)), nil)
	if err != nil {
		return false, err
	}
	var level struct { // the client's own type leaves the role out
		Permission string `json:"permission"`
		Role       string `json:"role_name"`
		User       struct {
			Login string `json:"login"`
		} `json:"user"`
	}
	if _, err := c.Do(ctx, req, &level); err != nil {
		return false, err
	}
	if !strings.EqualFold(level.User.Login, login) || level.Permission == "" {
		return false, fmt.Errorf("the answer does not say what %s may do", login)
	}
	return level.Permission == "admin" || level.Role == "maintain", nil
}

// MayWrite asks whether somebody may write to the run's repository, for which
// the token needs no permission beyond metadata. One request. GitHub answers for
// strangers too: they may read what is public.
func (c *Client) MayWrite(ctx context.Context, login string) (bool, error) {
	level, _, err := c.Repositories.GetPermissionLevel(ctx, c.Owner, c.Name, login)
	if err != nil {
		return false, err
	}
	if !strings.EqualFold(level.GetUser().GetLogin(), login) || level.GetPermission() == "" {
		return false, fmt.Errorf("the answer does not say what %s may do", login)
	}
	switch level.GetPermission() {
	case "admin", "write": // the role maintain is told as write, triage as read
		return true, nil
	default:
		return false, nil
	}
}

// InTeam reports whether a person is an active member of a team of an organisation,
// its child teams included. The token must be allowed to read the organisation's
// members, which GITHUB_TOKEN of a workflow is not: then GitHub answers as if there
// were no such team, which is an error here. At most two requests.
func (c *Client) InTeam(ctx context.Context, organisation, slug, login string) (bool, error) {
	member, _, err := c.Teams.GetTeamMembershipBySlug(ctx, organisation, slug, login)
	if Status(err) == http.StatusNotFound { // no member, or a team that the token may not see
		return false, c.seesTeam(ctx, organisation, slug)
	}
	if err != nil {
		return false, err
	}
	if !strings.HasSuffix(strings.ToLower(member.GetURL()), "/memberships/"+strings.ToLower(login)) || member.GetState() == "" {
		return false, fmt.Errorf("the answer does not say whether %s is in the team", login)
	}
	return member.GetState() == "active", nil
}

// seesTeam is nil where the token may see a team.
func (c *Client) seesTeam(ctx context.Context, organisation, slug string) error {
	team, _, err := c.Teams.GetTeamBySlug(ctx, organisation, slug)
	if err == nil && !strings.EqualFold(team.GetSlug(), slug) {
		return fmt.Errorf("the answer is about another team than %s", slug)
	}
	return err
}
