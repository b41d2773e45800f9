package actions

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"
)

// Context says what the run is. Outside Actions it is empty except for the
// addresses.
type Context struct {
	Repository    string // "owner/name"
	RepositoryID  int64  // 0 where GitHub does not say
	Visibility    string // "public", "private", "internal"; "" where the event does not say
	DefaultBranch string // "" where the event does not say: ask [Client.Repository]
	RunID         int64
	Attempt       int64
	RunURL        string // of the attempt; "" outside Actions
	Workflow      string
	Job           string
	Step          string // GITHUB_ACTION: unique within the job
	Actor         string // who triggered this attempt
	Starter       string // who started the first attempt
	EventName     string
	Event         Event
	Ref           string // "refs/heads/main"
	Branch        string // "main"; "" where the ref is no branch
	SHA           string
	ServerURL     string
	APIURL        string
	Act           bool // under nektos/act
}

// Event is what the event's payload says of who brought it about; "" where it
// does not say.
type Event struct {
	Action      string // of a comment: "created", "edited", "deleted"
	SenderType  string // "User", "Bot", "Organization"
	Commenter   string // the login of the comment's author
	Comment     string // what it says: whatever anybody may write
	CommentTime time.Time
	PullRequest int    // the number of the pull request that the event is about, or that was commented on; 0 for none
	Head        string // of a pull_request event: the commit that would be merged
	Fork        bool   // of a pull_request event: its head is in another repository, or in none any more
}

// ReadsOnly reports whether the run's token may write nothing, whatever permissions the
// job asks for: GitHub gives such a one to pull requests from forks, and to those of
// Dependabot.
func (c Context) ReadsOnly() bool {
	return c.EventName == "pull_request" && (c.Event.Fork || c.Actor == "dependabot[bot]")
}

// Run is the run in one line, for locks and for conflicts of others.
func (c Context) Run() string {
	if c.RunURL == "" {
		return ""
	}
	text := fmt.Sprintf("run %d of %s", c.RunID, c.Repository)
	if c.Actor != "" {
		text += " by " + c.Actor
	}
	return text + ", " + c.RunURL
}

// Context reads what the run is from the environment and the event's payload.
// An error means that the runner's own variables or files are damaged.
func (r *Runner) Context() (Context, error) {
	gh, err := githubactions.New(githubactions.WithGetenv(r.getenv), githubactions.WithWriter(r.log)).Context()
	if err != nil {
		return Context{}, fmt.Errorf("the runner's environment: %w; GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT and the file GITHUB_EVENT_PATH are set by the runner: do not override them", err)
	}
	c := Context{
		Repository: gh.Repository, RunID: gh.RunID, Attempt: gh.RunAttempt,
		Workflow: gh.Workflow, Job: gh.Job, Step: gh.Action, Actor: gh.TriggeringActor, Starter: gh.Actor,
		EventName: gh.EventName, Ref: gh.Ref, Branch: branch(gh.Ref), SHA: gh.SHA,
		ServerURL: strings.TrimSuffix(gh.ServerURL, "/"), APIURL: strings.TrimSuffix(gh.APIURL, "/"),
		Act: r.Act(),
	}
	if c.Actor == "" {
		c.Actor = gh.Actor
	}
	if c.RunID > 0 && c.Repository != "" {
		c.RunURL = c.runURL()
	}
	c.event(gh.Event)
	if id, err := strconv.ParseInt(r.getenv("GITHUB_REPOSITORY_ID"), 10, 64); err == nil {
		c.RepositoryID = id
	}
	return c, nil
}

func branch(ref string) string {
	name, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return ""
	}
	return name
}

func (c Context) runURL() string {
	u := fmt.Sprintf("%s/%s/actions/runs/%d", c.ServerURL, c.Repository, c.RunID)
	if c.Attempt > 1 {
		u += fmt.Sprintf("/attempts/%d", c.Attempt)
	}
	return u
}

// pullRequest takes what the event's payload says of a pull request. A comment on one
// is told as one on its issue.
func (c *Context) pullRequest(payload map[string]any) {
	if issue, ok := payload["issue"].(map[string]any); ok && issue["pull_request"] != nil {
		number, _ := issue["number"].(float64)
		c.Event.PullRequest = int(number)
		return
	}
	request, ok := payload["pull_request"].(map[string]any)
	if !ok {
		return
	}
	number, _ := request["number"].(float64)
	head, _ := request["head"].(map[string]any)
	from, _ := head["repo"].(map[string]any)
	name, _ := from["full_name"].(string)
	c.Event.PullRequest, c.Event.Fork = int(number), !strings.EqualFold(name, c.Repository)
	c.Event.Head, _ = head["sha"].(string)
}

// event takes what the event's payload says of the repository, and of who
// brought it about.
func (c *Context) event(payload map[string]any) {
	sender, _ := payload["sender"].(map[string]any)
	comment, _ := payload["comment"].(map[string]any)
	author, _ := comment["user"].(map[string]any)
	c.Event.Action, _ = payload["action"].(string)
	c.Event.SenderType, _ = sender["type"].(string)
	c.Event.Commenter, _ = author["login"].(string)
	c.Event.Comment, _ = comment["body"].(string)
	written, _ := comment["created_at"].(string)
	c.Event.CommentTime, _ = time.Parse(time.RFC3339, written) // zero where it is none
	c.pullRequest(payload)
	repository, _ := payload["repository"].(map[string]any)
	c.DefaultBranch, _ = repository["default_branch"].(string)
	if id, ok := repository["id"].(float64); ok {
		c.RepositoryID = int64(id)
	}
	if c.Visibility, _ = repository["visibility"].(string); c.Visibility != "" {
		return
	}
	if private, ok := repository["private"].(bool); ok {
		c.Visibility = "public"
		if private {
			c.Visibility = "private"
		}
	}
}
