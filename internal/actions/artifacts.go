package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v60/github"

	"sluice/internal/actions/endpoint"
)

// RepositoryArtifact is one artifact of the repository, of whichever run.
type RepositoryArtifact struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Digest    string    `json:"digest"` // "sha256:…" of the zip file; "" for old ones
	Expired   bool      `json:"expired"`
	ExpiresAt time.Time `json:"expires_at"`
	// Run is nil where GitHub no longer knows which run uploaded it.
	Run *struct {
		ID               int64  `json:"id"`
		RepositoryID     int64  `json:"repository_id"`
		HeadRepositoryID int64  `json:"head_repository_id"` // a fork's, for its pull requests
		HeadBranch       string `json:"head_branch"`
	} `json:"workflow_run"`
}

const (
	artifactsPage = 100
	// maxArtifactPages bounds one listing to a tenth of GITHUB_TOKEN's
	// requests an hour.
	maxArtifactPages = 100
	// listings is how often a list that shrank while it was read is read again.
	listings = 3
)

// ErrMoving means that the list could not be read in one piece.
var ErrMoving = errors.New("artifacts were deleted each time while the list was read")

// artifactPage is one page of a list of artifacts.
type artifactPage struct {
	Total     *int                     `json:"total_count"`
	Artifacts List[RepositoryArtifact] `json:"artifacts"`
}

// Proven implements [Answer].
func (p *artifactPage) Proven() error {
	if p.Total == nil || *p.Total < 0 || p.Artifacts == nil {
		return errors.New("a list of artifacts without its length or its artifacts")
	}
	if len(p.Artifacts) > artifactsPage {
		return fmt.Errorf("%d artifacts instead of at most %d", len(p.Artifacts), artifactsPage)
	}
	for _, a := range p.Artifacts {
		if a.ID <= 0 || a.Name == "" || a.Run != nil && a.Run.ID <= 0 {
			return errors.New("an artifact without its id, its name or the id of its run")
		}
	}
	return nil
}

// Artifacts lists all artifacts of the repository, one request for each
// hundred. go-github v60 knows neither the digest nor the run's repository.
// Needs the permission actions: read. Its errors are those of [Get], and
// [ErrMoving].
func (c *Client) Artifacts(ctx context.Context) ([]RepositoryArtifact, error) {
	for range listings {
		list, whole, err := c.artifacts(ctx)
		if err != nil || whole {
			return list, err
		}
	}
	return nil, ErrMoving
}

// artifacts reads all pages. The newest come first, so an artifact that is
// added meanwhile is at worst seen twice; but one that is deleted moves the
// rest forward, past the page that is read next, and then the list is not
// whole: it has fewer than GitHub counted.
func (c *Client) artifacts(ctx context.Context) (list []RepositoryArtifact, whole bool, err error) {
	total, seen := 0, map[int64]bool{}
	for page := 1; page <= maxArtifactPages; page++ {
		answer, err := Get[artifactPage](ctx, c, c.Path(fmt.Sprintf("actions/artifacts?per_page=%d&page=%d", artifactsPage, page)))
		if err != nil {
			return nil, false, err
		}
		if *answer.Total < total {
			return nil, false, nil
		}
		total = *answer.Total
		list = append(list, answer.Artifacts...)
		for _, a := range answer.Artifacts {
			seen[a.ID] = true
		}
		if page*artifactsPage >= total || len(answer.Artifacts) == 0 {
			return list, len(seen) >= total, nil
		}
	}
	return nil, false, fmt.Errorf("the repository has %d artifacts, more than the %d that can be searched", total, maxArtifactPages*artifactsPage)
}

// HasArtifacts reports whether GitHub counts artifacts of a run. Its errors are
// those of [Get].
func (c *Client) HasArtifacts(ctx context.Context, run int64) (bool, error) {
	answer, err := Get[artifactPage](ctx, c, c.Path(fmt.Sprintf("actions/runs/%d/artifacts?per_page=1", run)))
	if err != nil {
		return false, err
	}
	return *answer.Total > 0 || len(answer.Artifacts) > 0, nil
}

// ErrExpired means that an artifact's content is gone.
var ErrExpired = errors.New("the artifact has expired")

// ArtifactURL is the signed address of an artifact's zip file, which is good
// for a minute and must be asked without credentials.
func (c *Client) ArtifactURL(ctx context.Context, id int64) (string, error) {
	address, err := c.Elsewhere(ctx, c.Path(fmt.Sprintf("actions/artifacts/%d/zip", id)))
	if Status(err) == http.StatusGone {
		return "", ErrExpired
	}
	return address, err
}

// Elsewhere asks for something whose answer is a signed address: 302, and where
// it lies. The address grants access by itself and must be asked without
// credentials. Its errors are those of [Get].
func (c *Client) Elsewhere(ctx context.Context, path string) (string, error) {
	return again(ctx, c.wait, func() (string, error) { return c.location(ctx, path) })
}

func (c *Client) location(ctx context.Context, path string) (string, error) {
	request, err := c.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	response, err := c.HTTP.Do(request.WithContext(ctx))
	if err != nil {
		return "", err
	}
	if err := response.Body.Close(); err != nil {
		return "", err
	}
	what, address := request.Method+" "+request.URL.Path, response.Header.Get("Location")
	switch {
	case response.StatusCode >= 400:
		return "", &github.ErrorResponse{Response: response, Message: what}
	case response.StatusCode != http.StatusFound || address == "":
		return "", &AnswerError{what, fmt.Errorf("%d, and not the address where the content is", response.StatusCode)}
	}
	signed, err := endpoint.Check("the address that GitHub answered with", address)
	if err != nil {
		return "", &AnswerError{what, err}
	}
	for _, signature := range endpoint.Signatures(signed) {
		c.secret(signature)
	}
	return address, nil
}
