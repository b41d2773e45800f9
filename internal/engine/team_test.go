package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/stages/driver"
)

const approvedByTeams = "    approval: {required: true, approvers: [octocat, \"@octo/oncall\", \"@octo/leads\"]}\n"

// TestTeams: the word of a team's member counts, asked when it is given, and of
// nobody else. A team that cannot be asked about refuses by name, unless the word
// counts without it.
func TestTeams(t *testing.T) {
	silent := errors.New("403 Forbidden")
	tests := map[string]struct {
		by      string
		members map[string]string // by team
		err     error             // of every question
		none    bool              // nobody can be asked
		refused string
		asked   int
	}{
		"a member":                     {by: "berta", members: map[string]string{"@octo/leads": "berta"}, asked: 2},
		"a login":                      {by: "octocat", asked: 2},
		"a login, teams not told":      {by: "octocat", err: silent, asked: 2},
		"a stranger":                   {by: "mallory", members: map[string]string{"@octo/leads": "berta"}, refused: "mallory is not among its approvers", asked: 2},
		"nobody tells":                 {by: "berta", err: silent, refused: "whether berta is in @octo/oncall could not be asked: 403 Forbidden", asked: 2},
		"nobody can be asked":          {by: "berta", none: true, refused: "nobody can be asked who is in a team"},
		"whoever started it, a member": {by: "anna", members: map[string]string{"@octo/leads": "anna"}, refused: "anna", asked: 2},
	}
	for name, test := range tests {
		for _, command := range []string{planner.CommandApprove, planner.CommandReject} {
			t.Run(name+" "+command, func(t *testing.T) {
				w := newWorld(t, driver.Facts{Platform: "apigateway"}, 1, approvedByTeams, "")
				w.does(view.Pending, "anna", w.promote)
				var asked []string
				if !test.none {
					w.member = func(_ context.Context, team, login string) (bool, error) {
						asked = append(asked, team)
						return test.members[team] == login, test.err
					}
				}
				switch {
				case test.by == "anna" && command == planner.CommandReject:
					w.does(view.Succeeded, test.by, w.order(command)) // of one's own
				case test.refused != "":
					w.refused(test.refused, test.by, w.order(command))
				default:
					w.does(view.Succeeded, test.by, w.order(command))
				}
				if slices.Sort(asked); len(asked) != test.asked || len(slices.Compact(asked)) != test.asked {
					t.Errorf("it was asked about %q", asked)
				}
			})
		}
	}
}
