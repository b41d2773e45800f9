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
	"time"

	"sluice/internal/actions/endpoint"
)

// Errors that callers tell apart.
var (
	// ErrUnavailable means that this process got no artifact token.
	ErrUnavailable = errors.New("there is no artifact service here: only steps that use a docker or node action get its token, run steps do not")
	// ErrExists means that the run has, or once had, an artifact of that name.
	ErrExists = errors.New("the run already has an artifact of that name")
	// ErrNotFound means that the run has no artifact of that name.
	ErrNotFound = errors.New("no such artifact in this run")
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
	wait   time.Duration
}

// Config is what [New] needs.
type Config struct {
	ResultsURL string // ACTIONS_RESULTS_URL
	Token      string // ACTIONS_RUNTIME_TOKEN
	Act        bool   // the service is act's
	Transport  http.RoundTripper
	Wait       time.Duration // before the first repetition; 0 means 3 s
}

// Open returns the client of this process's run, from the variables that the
// runner sets, or [ErrUnavailable].
func Open(getenv func(string) string, transport http.RoundTripper) (*Client, error) {
	return New(Config{
		ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: getenv("ACTIONS_RUNTIME_TOKEN"),
		Act: getenv("ACT") == "true", Transport: transport,
	})
}

// New returns a client.
func New(config Config) (*Client, error) {
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
	wait := config.Wait
	if wait == 0 {
		wait = firstWait
	}
	return &Client{
		origin: origin, token: config.Token, act: config.Act, run: run, job: job, wait: wait,
		http: &http.Client{Transport: config.Transport, Timeout: attemptTimeout},
	}, nil
}

// Run is the service's id of the workflow run.
func (c *Client) Run() string { return c.run }

// List returns the finalised artifacts of this run; name filters exactly, ""
// for all. act lists unfinished ones too.
func (c *Client) List(ctx context.Context, name string) ([]Artifact, error) {
	request := c.ids()
	if name != "" {
		request["name_filter"] = name
	}
	answer, err := c.call(ctx, "ListArtifacts", request)
	if c.act && isCutOff(err) {
		// act panics and hangs up where the run has no artifacts yet.
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
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
	if a.Name == "" {
		return a, errors.New("the artifact service lists an artifact without a name")
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
	answer, err := c.call(ctx, "CreateArtifact", request)
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
	answer, err := c.call(ctx, "FinalizeArtifact", request)
	if err != nil {
		return c.finalized(ctx, name, digest, err)
	}
	id, err := answer.number("artifact_id")
	return Artifact{ID: id, Name: name, Size: int64(len(zip)), Digest: digest, run: c.run, job: c.job}, err
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
	answer, err := c.call(ctx, "GetSignedArtifactURL", c.of(a))
	if err != nil {
		return nil, err
	}
	signed := answer.text("signed_url")
	if err := c.checkSigned(signed); err != nil {
		return nil, err
	}
	zip, err := c.fetch(ctx, signed, limit)
	if err != nil {
		return nil, err
	}
	if got := sum(zip); a.Digest != "" && a.Digest != got {
		return nil, fmt.Errorf("artifact %s has digest %s, its record says %s: it was damaged", a.Name, got, a.Digest)
	}
	return zip, nil
}

// DownloadSigned is Download of an artifact of another run, whose signed
// address GitHub's REST API gave. No credentials are sent there.
func (c *Client) DownloadSigned(ctx context.Context, signed string, limit int64) ([]byte, error) {
	if err := c.checkSigned(signed); err != nil {
		return nil, err
	}
	return c.fetch(ctx, signed, limit)
}

// Delete removes an artifact of this run. Its name stays used.
func (c *Client) Delete(ctx context.Context, a Artifact) error {
	_, err := c.call(ctx, "DeleteArtifact", c.of(a))
	return err
}

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

func (c *Client) checkSigned(raw string) error {
	if c.act {
		_, err := endpoint.Parse("the artifact service's signed URL", raw)
		return err
	}
	_, err := endpoint.Check("the artifact service's signed URL", raw)
	return err
}
