package actions

import (
	"context"
	"fmt"
	"strings"
)

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
