// Package artifact speaks the protocol of GitHub's workflow artifacts, version
// 4, as the runner's own upload and download actions do: there is no Go
// library for it. A docker or node action may use it; run steps get no token.
//
// Artifacts are immutable zip files, named uniquely within their workflow run.
// nektos/act serves the same protocol with differences that are named where
// they matter.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/actions/endpoint"
	"sluice/internal/transport"
	"sluice/internal/work"
)

// Errors that callers tell apart.
var (
	// ErrUnavailable means that this process got no artifact token.
	ErrUnavailable = errors.New("there is no artifact service here: only steps that use a docker or node action get its token, run steps do not")
	// ErrExists means that the run has an artifact of that name, or an upload of it
	// that was begun and never finalised.
	ErrExists = errors.New("the run already has an artifact of that name")
	// ErrNotFound means that the run has no artifact of that name.
	ErrNotFound = errors.New("no such artifact in this run")
	// ErrUnproven means that the service answered without a list: that is no
	// proof that the run has no artifacts.
	ErrUnproven = errors.New("the artifact service answered without a list of artifacts")
	// ErrDigest means that what was downloaded is not what was uploaded: it was
	// damaged, or another artifact has the name now.
	ErrDigest = errors.New("it is not what was uploaded")
	// ErrQuota means that the account's artifact storage is full.
	ErrQuota = errors.New("the account's artifact storage is used up")
)

// Artifact is one artifact of this workflow run.
type Artifact struct {
	ID      int64
	Name    string
	Size    int64 // of the zip file; act gives another number
	Created time.Time
	Digest  string // "sha256:…" of the zip file; "" where the service does not say (act)

	run, job string // the service's ids of who uploaded it
}

// Client talks to the artifact service of the current workflow run. It is safe
// for concurrent use and sends nothing before its first method is called.
type Client struct {
	origin string
	token  string
	act    bool
	run    string
	job    string
	http   *http.Client
	clock  work.Clock
	wait   time.Duration // before the first repetition
	secret func(string)
}

// maxDownload is the most that any answer may have.
const maxDownload = 64 << 20

// Config is what [New] needs.
type Config struct {
	ResultsURL string // ACTIONS_RESULTS_URL
	Token      string // ACTIONS_RUNTIME_TOKEN
	Act        bool   // the service is act's
	Transport  http.RoundTripper
	Clock      work.Clock    // the zero Clock is the machine's
	Wait       time.Duration // before the first repetition; 0 means 3 s
	// Secret is told each credential when the client gets it, before its first
	// use: the token, and the signatures of addresses. Nil drops them.
	Secret func(value string)
}

// Open returns the client of this process's run, from the variables that the
// runner sets, or [ErrUnavailable]. clock and secret are [Config]'s.
func Open(getenv func(string) string, transport http.RoundTripper, clock work.Clock, secret func(string)) (*Client, error) {
	return New(Config{
		ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: getenv("ACTIONS_RUNTIME_TOKEN"),
		Act: getenv("ACT") == "true", Transport: transport, Clock: clock, Secret: secret,
	})
}

// New returns a client.
func New(config Config) (*Client, error) {
	config.Token = strings.TrimSpace(config.Token)
	if config.ResultsURL == "" || config.Token == "" {
		return nil, ErrUnavailable
	}
	origin, err := checkOrigin(config)
	if err != nil {
		return nil, err
	}
	run, job, err := scope(config.Token)
	if err != nil {
		return nil, err
	}
	if config.Wait == 0 {
		config.Wait = firstWait
	}
	if config.Secret == nil {
		config.Secret = func(string) {}
	}
	config.Secret(config.Token)
	return &Client{
		origin: origin, token: config.Token, act: config.Act, run: run, job: job, clock: config.Clock.Filled(), wait: config.Wait, secret: config.Secret,
		http: &http.Client{
			Transport: transport.New(config.Transport, transport.Options{Limit: maxDownload, Raw: true}),
			// Neither the service nor a signed address leads elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Run is the service's id of the workflow run.
func (c *Client) Run() string { return c.run }

// List returns the finalised artifacts of this run; name filters exactly, ""
// for all. act lists unfinished ones too, and leaves out a list that is empty;
// from GitHub that is [ErrUnproven].
func (c *Client) List(ctx context.Context, name string) ([]Artifact, error) {
	request := c.ids()
	if name != "" {
		request["name_filter"] = name
	}
	var artifacts []Artifact
	_, err := c.call(ctx, "ListArtifacts", request, func(answer fields) (err error) {
		artifacts, err = decodeList(answer)
		if errors.Is(err, errNoList) { // not worth asking again: the caller has another source
			return backoff.Permanent(ErrUnproven)
		}
		return err
	})
	if c.act && (isCutOff(err) || errors.Is(err, ErrUnproven)) {
		// act panics and hangs up where the run has no artifacts yet.
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return artifacts, nil
}

func decodeList(answer fields) ([]Artifact, error) {
	list, err := answer.list("artifacts")
	if err != nil {
		return nil, err
	}
	artifacts := make([]Artifact, len(list))
	for i, f := range list {
		if artifacts[i], err = decodeArtifact(f); err != nil {
			return nil, err
		}
	}
	return artifacts, nil
}

func decodeArtifact(f fields) (Artifact, error) {
	a := Artifact{
		Name: f.text("name"), Digest: f.text("digest"),
		run: f.text("workflow_run_backend_id"), job: f.text("workflow_job_run_backend_id"),
	}
	var err error
	if a.ID, err = f.number("database_id"); err != nil {
		return a, err
	}
	if a.Size, err = f.number("size"); err != nil {
		return a, err
	}
	if a.Name == "" || a.ID <= 0 {
		return a, errors.New("an artifact without a name or an id")
	}
	if created, err := time.Parse(time.RFC3339, f.text("created_at")); err == nil {
		a.Created = created
	}
	return a, nil
}

// Upload stores zip as the artifact name: created, uploaded in blocks,
// finalised. When it returns without an error, the artifact is listed and can
// no longer change. [ErrExists] may also mean that an earlier attempt of this
// call was answered too late: take another name.
func (c *Client) Upload(ctx context.Context, name string, zip []byte) (Artifact, error) {
	request := c.ids()
	request["name"], request["version"] = name, 4
	answer, err := c.call(ctx, "CreateArtifact", request, func(f fields) error { return c.checkSigned(f.text("signed_upload_url")) })
	if err != nil {
		return Artifact{}, err
	}
	if err := c.put(ctx, answer.text("signed_upload_url"), zip); err != nil {
		return Artifact{}, err
	}
	return c.finalize(ctx, name, zip)
}

func (c *Client) finalize(ctx context.Context, name string, zip []byte) (Artifact, error) {
	digest := sum(zip)
	request := c.ids()
	request["name"], request["size"], request["hash"] = name, fmt.Sprint(len(zip)), digest
	var id int64
	_, err := c.call(ctx, "FinalizeArtifact", request, func(answer fields) (err error) {
		if id, err = answer.number("artifact_id"); err == nil && (id <= 0 || answer.text("ok") != "true") {
			err = errors.New("it does not say that it was done, or to which artifact")
		}
		return err
	})
	if err != nil {
		return c.finalized(ctx, name, digest, err)
	}
	return Artifact{ID: id, Name: name, Size: int64(len(zip)), Digest: digest, run: c.run, job: c.job}, nil
}

// finalized looks whether a finalisation that ended in an error took effect
// nevertheless: its answer may have been lost. act lists unfinished artifacts,
// so the list proves nothing there.
func (c *Client) finalized(ctx context.Context, name, digest string, cause error) (Artifact, error) {
	if c.act || ctx.Err() != nil {
		return Artifact{}, cause
	}
	list, err := c.List(ctx, name)
	if err != nil {
		return Artifact{}, cause
	}
	at := slices.IndexFunc(list, func(a Artifact) bool { return a.Name == name && a.Digest == digest })
	if at < 0 {
		return Artifact{}, cause
	}
	return list[at], nil
}

// Download returns the zip file of an artifact of this run, of at most limit
// bytes, with its digest checked where the service gave one.
func (c *Client) Download(ctx context.Context, a Artifact, limit int64) ([]byte, error) {
	answer, err := c.call(ctx, "GetSignedArtifactURL", c.of(a), func(f fields) error { return c.checkSigned(f.text("signed_url")) })
	if err != nil {
		return nil, err
	}
	return c.fetch(ctx, answer.text("signed_url"), limit, isDigest(a.Digest))
}

// isDigest refuses a file that has another digest; "" is content with all.
func isDigest(digest string) func([]byte) error {
	return func(zip []byte) error {
		if got := sum(zip); digest != "" && digest != got {
			return fmt.Errorf("%w: the zip file has digest %s, GitHub says %s", ErrDigest, got, digest)
		}
		return nil
	}
}

// Delete removes an artifact of this run. Its name may be used again.
func (c *Client) Delete(ctx context.Context, a Artifact) error {
	_, err := c.call(ctx, "DeleteArtifact", c.of(a), func(fields) error { return nil })
	return err
}

// ByOther reports whether another job of the run uploaded an artifact.
func (c *Client) ByOther(a Artifact) bool { return a.job != c.job }

func (c *Client) ids() map[string]any {
	return map[string]any{"workflow_run_backend_id": c.run, "workflow_job_run_backend_id": c.job}
}

// of is a request about a, which another job of the run may have uploaded.
func (c *Client) of(a Artifact) map[string]any {
	request := c.ids()
	if a.run != "" && a.job != "" {
		request["workflow_run_backend_id"], request["workflow_job_run_backend_id"] = a.run, a.job
	}
	request["name"] = a.Name
	return request
}

// checkOrigin is the service's scheme and host; the paths are ours. act serves
// on the machine's own address without encryption.
func checkOrigin(config Config) (string, error) {
	u, err := endpoint.Check("ACTIONS_RESULTS_URL", config.ResultsURL)
	if err != nil && config.Act {
		u, err = endpoint.Parse("ACTIONS_RESULTS_URL", config.ResultsURL)
	}
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}

// checkSigned refuses what is no address to send a record to, and keeps the
// signature of one that is out of everything shown.
func (c *Client) checkSigned(raw string) error {
	check := endpoint.Check
	if c.act {
		check = endpoint.Parse
	}
	signed, err := check("the artifact service's signed URL", raw)
	if err != nil {
		return err
	}
	for _, signature := range endpoint.Signatures(signed) {
		c.secret(signature)
	}
	return nil
}
