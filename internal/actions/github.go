package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"sluice/internal/actions/endpoint"
	"sluice/internal/transport"
	"sluice/internal/work"
)

// Client is GitHub's REST API for one repository.
type Client struct {
	*github.Client
	Owner, Name string
	// HTTP carries the requests: authorised for the API's own host alone,
	// bounded, retried, and following no redirect.
	HTTP *http.Client
	// Plain asks signed addresses: without credentials, and for answers as long
	// as [MaxArchive].
	Plain *http.Client

	secret func(string)
	wait   time.Duration // before what was answered with nothing to believe is read again, in the machine's time
}

// MaxArchive is the most bytes of an archive of a branch, packed.
const MaxArchive = 128 << 20

// ClientConfig is what [NewClient] needs.
type ClientConfig struct {
	APIURL     string            // "" means GitHub's own
	Repository string            // "owner/name"
	Token      string            // surrounding white space is cut off
	Transport  http.RoundTripper // nil means a new one on http.DefaultTransport's settings
	Clock      work.Clock        // the zero Clock is the machine's
	Wait       time.Duration     // before the first repetition; 0 means a second
	// Secret is told each credential when the client gets it, before its first
	// use, so that it is masked and redacted: the token, and the signatures of
	// the addresses that GitHub answers with. Nil drops them.
	Secret func(value string)
}

// GitHub is the REST client of this run's repository. It is opened by the
// first call, and nothing is sent before the first request.
func (r *Runner) GitHub() (*Client, error) { return r.github() }

func (r *Runner) openGitHub() (*Client, error) {
	// The input has a default in action.yml, so what the workflow sets by the
	// ecosystem's own name comes first.
	token := r.getenv("GITHUB_TOKEN")
	if strings.TrimSpace(token) == "" {
		token = r.Input("token")
	}
	var carried http.RoundTripper
	if r.Transport != nil {
		carried = r.Transport()
	}
	return NewClient(ClientConfig{
		APIURL: r.getenv("GITHUB_API_URL"), Repository: r.getenv("GITHUB_REPOSITORY"), Token: token, Transport: carried, Clock: r.Clock,
		Secret: func(value string) { r.Mask(value) },
	})
}

// ErrNoToken means that there is nothing to authenticate to GitHub with.
var ErrNoToken = errors.New("GITHUB_TOKEN is not set")

// NewClient builds a client; it sends nothing. Without a token the error is
// [ErrNoToken].
func NewClient(config ClientConfig) (*Client, error) {
	owner, name, ok := strings.Cut(config.Repository, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("GITHUB_REPOSITORY is %q, not owner/name", config.Repository)
	}
	base, err := baseURL(config.APIURL)
	if err != nil {
		return nil, err
	}
	config = config.complete()
	if config.Token == "" {
		return nil, ErrNoToken
	}
	config.Secret(config.Token)
	httpClient := &http.Client{
		Transport:     newTransport(config, base),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	plain := &http.Client{
		Transport:     transport.New(config.Transport, transport.Options{Limit: MaxArchive, Raw: true}),
		CheckRedirect: httpClient.CheckRedirect,
	}
	client := github.NewClient(httpClient)
	client.BaseURL, client.UserAgent = base, "sluice"
	return &Client{Client: client, Owner: owner, Name: name, HTTP: httpClient, Plain: plain, wait: config.Clock.InMachine(config.Wait), secret: config.Secret}, nil
}

// complete puts in what may be left out.
func (config ClientConfig) complete() ClientConfig {
	config.Token = strings.TrimSpace(config.Token)
	if config.Wait == 0 {
		config.Wait = time.Second
	}
	config.Clock = config.Clock.Filled()
	if config.Secret == nil {
		config.Secret = func(string) {}
	}
	return config
}

func baseURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = "https://api.github.com/"
	}
	base, err := endpoint.Check("GITHUB_API_URL", raw)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(base.Path, "/") { // go-github resolves paths against it
		base.Path += "/"
	}
	return base, nil
}

// Repository is what the API says of this run's repository.
type Repository struct {
	ID            int64
	DefaultBranch string
	Visibility    string // "public", "private" or "internal"
}

// repositoryAnswer is a repository as the API has it.
type repositoryAnswer struct {
	ID            int64  `json:"id"`
	DefaultBranch string `json:"default_branch"`
	Visibility    string `json:"visibility"`
}

// Proven implements [Answer].
func (r *repositoryAnswer) Proven() error {
	if r.ID <= 0 || r.DefaultBranch == "" {
		return errors.New("a repository without its id or its default branch")
	}
	return nil
}

// Repository asks for the repository, which needs no permission beyond
// metadata. One request. Its errors are those of [Get].
func (c *Client) Repository(ctx context.Context) (Repository, error) {
	found, err := Get[repositoryAnswer](ctx, c, c.Path(""))
	return Repository(found), err
}

// Path is that of something in the repository: "git/trees".
func (c *Client) Path(rest string) string {
	return strings.TrimSuffix("repos/"+c.Owner+"/"+c.Name+"/"+rest, "/")
}

// Status is the HTTP status that err carries, 0 where there was no answer.
func Status(err error) int {
	if limit, ok := errors.AsType[*RateLimitError](err); ok {
		return limit.Status
	}
	if answer, ok := errors.AsType[*github.ErrorResponse](err); ok && answer.Response != nil {
		return answer.Response.StatusCode
	}
	return 0
}

// Remedy says what to do about a failed request that needed a permission,
// written as in a workflow: "contents: write".
func Remedy(err error, permission string) string {
	if errors.Is(err, ErrNoToken) {
		return "pass the token to the step (env: {GITHUB_TOKEN: ${{ github.token }}}) and give the job permissions: {" + permission + "}; outside of a workflow set GITHUB_TOKEN, or log in with `gh auth login`"
	}
	if limit, ok := errors.AsType[*RateLimitError](err); ok {
		return "wait " + limit.RetryAfter.String() + " and run again; GITHUB_TOKEN has 1000 requests an hour and repository"
	}
	if _, ok := errors.AsType[*AnswerError](err); ok {
		return "check GITHUB_API_URL and what stands before it (a proxy), or run again: nothing was concluded from the answer"
	}
	switch status := Status(err); {
	case status >= 300 && status < 400:
		return "check GITHUB_API_URL and GITHUB_REPOSITORY: the repository may have moved; redirects are not followed"
	case status == http.StatusUnauthorized:
		return "GITHUB_TOKEN is wrong or has expired: pass ${{ github.token }} of this run"
	case status == http.StatusForbidden, status == http.StatusNotFound:
		return "give the job permissions: {" + permission + "}"
	case status >= 500:
		return "GitHub is failing: run again later"
	case status == 0:
		return "check the network and GITHUB_API_URL, then run again"
	}
	return "check that the token has permissions: {" + permission + "}, then run again"
}
