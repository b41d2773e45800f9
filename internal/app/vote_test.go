package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
)

// github answers what people may do, and counts who was asked about.
func github(t *testing.T) (address string, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	answers := map[string]string{
		"wendy": `{"permission":"write","user":{"login":"Wendy"}}`, "adam": `{"permission":"admin","user":{"login":"adam"}}`,
		"mary": `{"permission":"write","role_name":"maintain","user":{"login":"mary"}}`,
		"rita": `{"permission":"read","user":{"login":"rita"}}`, "nick": `{"permission":"none","user":{"login":"nick"}}`,
		"ella": ``, "olga": `{}`, "nora": `null`, "peer": `{"permission":"admin","user":{"login":"adam"}}`, "mute": `{"user":{"login":"mute"}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/repos/octo/shop/collaborators/"), "/permission")
		*asked = append(*asked, login)
		answer, ok := answers[login]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"Not Found"}`
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// TestWhoseWordCounts: an approval takes an actor, and an event that only
// writers can start, or a comment whose author may write. Nothing else counts,
// whoever GitHub names as its actor.
func TestWhoseWordCounts(t *testing.T) {
	api, asked := github(t)
	comment := func(action, by, kind string) string {
		return fmt.Sprintf(`{"action":%q,"comment":{"user":{"login":%q}},"sender":{"login":%q,"type":%q}}`, action, by, by, kind)
	}
	tests := map[string]struct {
		event, starter, actor, payload string
		refused                        string // "" where it counts
		asks                           int    // requests to GitHub
	}{
		"dispatched":                {event: "workflow_dispatch", actor: "dana"},
		"dispatched by a program":   {event: "repository_dispatch", actor: "dana"},
		"repeated by the same":      {event: "workflow_dispatch", starter: "Dana", actor: "dana"},
		"repeated by another":       {event: "workflow_dispatch", starter: "erin", actor: "dana", refused: "erin started this run and dana repeated it"},
		"by an app":                 {event: "repository_dispatch", actor: "deploy-bot[bot]", refused: "deploy-bot[bot] is not a person"},
		"by a bot without brackets": {event: "workflow_dispatch", actor: "Copilot", payload: `{"sender":{"login":"Copilot","type":"Bot"}}`, refused: "Copilot is not a person"},
		"by nobody":                 {event: "workflow_dispatch", refused: "GitHub names nobody"},
		"a push":                    {event: "push", actor: "dana", refused: "this run was started by push"},
		"a schedule":                {event: "schedule", actor: "erin", refused: "this run was started by schedule"},
		"a fork's pull request":     {event: "pull_request_target", actor: "mallory", refused: "this run was started by pull_request_target"},
		"another workflow":          {event: "workflow_run", actor: "dana", refused: "this run was started by workflow_run"},
		"no event":                  {actor: "dana", refused: "an event that is not named"},
		"a writer's comment":        {event: "issue_comment", actor: "wendy", payload: comment("created", "wendy", "User"), asks: 1},
		"an admin's comment":        {event: "issue_comment", actor: "adam", payload: comment("created", "adam", "User"), asks: 1},
		"a reader's comment":        {event: "issue_comment", actor: "rita", payload: comment("created", "rita", "User"), refused: "rita may not write to octo/shop", asks: 1},
		"a stranger's comment":      {event: "issue_comment", actor: "nick", payload: comment("created", "nick", "User"), refused: "nick may not write", asks: 1},
		"an unknown's comment":      {event: "issue_comment", actor: "zoe", payload: comment("created", "zoe", "User"), refused: "could not be asked", asks: 1},
		"an empty answer":           {event: "issue_comment", actor: "ella", payload: comment("created", "ella", "User"), refused: "could not be asked", asks: 1},
		"an answer without a word":  {event: "issue_comment", actor: "olga", payload: comment("created", "olga", "User"), refused: "does not say what olga may do", asks: 1},
		"null":                      {event: "issue_comment", actor: "nora", payload: comment("created", "nora", "User"), refused: "does not say what nora may do", asks: 1},
		"about somebody else":       {event: "issue_comment", actor: "peer", payload: comment("created", "peer", "User"), refused: "does not say what peer may do", asks: 1},
		"without the permission":    {event: "issue_comment", actor: "mute", payload: comment("created", "mute", "User"), refused: "does not say what mute may do", asks: 1},
		"edited":                    {event: "issue_comment", actor: "wendy", payload: comment("edited", "wendy", "User"), refused: "only a new comment counts"},
		"somebody else's":           {event: "issue_comment", actor: "wendy", payload: comment("created", "mallory", "User"), refused: "the comment is by mallory, and the run by wendy"},
		"a bot's comment":           {event: "issue_comment", actor: "wendy", payload: comment("created", "wendy", "Bot"), refused: "wendy is not a person"},
		"without its payload":       {event: "issue_comment", actor: "wendy", refused: "only a new comment counts"},
	}
	for name, test := range tests {
		for _, command := range []string{planner.CommandApprove, planner.CommandReject} {
			t.Run(command+" "+name, func(t *testing.T) {
				*asked = nil
				payload := filepath.Join(t.TempDir(), "event.json")
				if test.payload == "" {
					test.payload = "{}"
				}
				if err := os.WriteFile(payload, []byte(test.payload), 0o600); err != nil {
					t.Fatal(err)
				}
				starter := test.starter
				if starter == "" {
					starter = test.actor
				}
				inv := invoked(t, inside("GITHUB_EVENT_NAME="+test.event, "GITHUB_ACTOR="+starter, "GITHUB_TRIGGERING_ACTOR="+test.actor,
					"GITHUB_EVENT_PATH="+payload, "GITHUB_API_URL="+api, "GITHUB_TOKEN=ghs_0123456789"))
				inv.flags.waitBudget = time.Minute
				err := inv.github.mayVote(t.Context(), command)
				refusal, refused := errors.AsType[*planner.RefusedError](err)
				if refused != (test.refused != "") || !refused && err != nil {
					t.Fatalf("error %v, want a refusal: %q", err, test.refused)
				}
				if len(*asked) != test.asks {
					t.Errorf("GitHub was asked about %q, want %d requests", *asked, test.asks)
				}
				if !refused {
					return
				}
				if f := refusal.Refusals[0].Findings[0]; !strings.Contains(f.Message, test.refused) || !strings.HasPrefix(f.Message, "cannot "+command+": ") || f.Remedy == "" {
					t.Errorf("%+v, want %q", f, test.refused)
				}
			})
		}
	}
}

// TestEmergency: in an emergency counts who maintains the repository, as GitHub says,
// with a reason, and nobody else.
func TestEmergency(t *testing.T) {
	api, asked := github(t)
	for actor, refused := range map[string]string{
		"adam": "", "mary": "", "wendy": "wendy does not maintain octo/shop", "rita": "rita does not maintain octo/shop",
		"peer": "does not say what peer may do", "ella": "could not be asked", "ghost": "could not be asked",
	} {
		*asked = nil
		inv := invoked(t, inside("GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_ACTOR="+actor, "GITHUB_TRIGGERING_ACTOR="+actor,
			"GITHUB_API_URL="+api, "GITHUB_TOKEN=ghs_0123456789"))
		inv.flags.waitBudget, inv.flags.emergency, inv.flags.reason = time.Minute, true, "the approvers are asleep"
		err := inv.github.mayInEmergency(t.Context(), &inv.flags)
		if (err == nil) != (refused == "") || err != nil && !strings.Contains(err.Error(), refused) || len(*asked) != 1 {
			t.Errorf("%s: %v, want %q; asked about %q", actor, err, refused, *asked)
		}
		inv.flags.reason = ""
		if err := inv.github.mayInEmergency(t.Context(), &inv.flags); err == nil || !strings.Contains(err.Error(), "--reason") {
			t.Errorf("%s without a reason: %v", actor, err)
		}
	}
	local := invoked(t, nil)
	local.flags.emergency, local.flags.reason = true, "x"
	if err := local.github.mayInEmergency(t.Context(), &local.flags); err == nil || !strings.Contains(err.Error(), "outside GitHub Actions") {
		t.Errorf("outside Actions: %v", err)
	}
}

// TestTeamMembers: who is in a team GitHub says. No answer, one about somebody else and
// a team that the token may not see say nothing.
func TestTeamMembers(t *testing.T) {
	var asked []string
	answers := map[string]string{
		"/orgs/octo/teams/leads":                   `{"slug":"leads"}`,
		"/orgs/octo/teams/leads/memberships/mary":  `{"url":"https://api.github.com/teams/1/memberships/Mary","state":"active"}`,
		"/orgs/octo/teams/leads/memberships/pete":  `{"url":"https://api.github.com/teams/1/memberships/pete","state":"pending"}`,
		"/orgs/octo/teams/leads/memberships/other": `{"url":"https://api.github.com/teams/1/memberships/mary","state":"active"}`,
		"/orgs/octo/teams/leads/memberships/mute":  `{}`,
		"/orgs/octo/teams/odd":                     `{"slug":"leads"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message":"Not Found"}`
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	inv := invoked(t, inside("GITHUB_API_URL="+server.URL, "GITHUB_TOKEN=ghs_0123456789"))
	inv.flags.waitBudget = time.Minute
	for name, test := range map[string]struct {
		team, login string
		in, fails   bool
		asked       int
	}{
		"a member":                {"@octo/leads", "mary", true, false, 1},
		"invited":                 {"@octo/leads", "pete", false, false, 1},
		"no member":               {"@octo/leads", "zoe", false, false, 2},
		"a team that is not seen": {"@octo/secret", "mary", false, true, 2},
		"another team's answer":   {"@octo/odd", "mary", false, true, 2},
		"another one's answer":    {"@octo/leads", "other", false, true, 1},
		"an answer of nothing":    {"@octo/leads", "mute", false, true, 1},
	} {
		asked = nil
		in, err := inv.github.isInTeam(t.Context(), test.team, test.login)
		if in != test.in || (err != nil) != test.fails || len(asked) != test.asked {
			t.Errorf("%s: %v, %v; asked %q", name, in, err, asked)
		}
	}
	without := invoked(t, inside())
	if in, err := without.github.isInTeam(t.Context(), "@octo/leads", "mary"); in || err == nil {
		t.Errorf("without a token: %v, %v", in, err)
	}
}

// TestOtherCommandsTakeAnyRun: only a person's word is a person's.
func TestOtherCommandsTakeAnyRun(t *testing.T) {
	for _, command := range []string{planner.CommandAdvance, planner.CommandCancel, planner.CommandRetryJob, planner.CommandIgnoreJob} {
		if err := invoked(t, inside("GITHUB_EVENT_NAME=push")).github.mayVote(t.Context(), command); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if err := invoked(t, nil).github.mayVote(t.Context(), planner.CommandApprove); err != nil {
		t.Errorf("outside Actions: %v", err)
	}
}
