package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-github/v60/github"
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

// Artifacts lists all artifacts of the repository, one request for each
// hundred. go-github v60 knows neither the digest nor the run's repository.
// Needs the permission actions: read.
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
// whole.
func (c *Client) artifacts(ctx context.Context) (list []RepositoryArtifact, whole bool, err error) {
	total := 0
	for page := 1; page <= maxArtifactPages; page++ {
		var answer struct {
			Total     *int                 `json:"total_count"`
			Artifacts []RepositoryArtifact `json:"artifacts"`
		}
		path := fmt.Sprintf("repos/%s/%s/actions/artifacts?per_page=%d&page=%d", c.Owner, c.Name, artifactsPage, page)
		if err := c.get(ctx, path, &answer); err != nil {
			return nil, false, err
		}
		if answer.Total == nil {
			return nil, false, errors.New("the answer is not a list of artifacts")
		}
		if *answer.Total < total {
			return nil, false, nil
		}
		total = *answer.Total
		list = append(list, answer.Artifacts...)
		if page*artifactsPage >= total || len(answer.Artifacts) == 0 {
			return list, true, nil
		}
	}
	return nil, false, fmt.Errorf("the repository has %d artifacts, more than the %d that can be searched", total, maxArtifactPages*artifactsPage)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	request, err := c.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, request, into)
	return err
}

// ErrExpired means that an artifact's content is gone.
var ErrExpired = errors.New("the artifact has expired")

// ArtifactURL is the signed address of an artifact's zip file, which is good
// for a minute and must be asked without credentials.
func (c *Client) ArtifactURL(ctx context.Context, id int64) (string, error) {
	request, err := c.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/actions/artifacts/%d/zip", c.Owner, c.Name, id), nil)
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
	switch response.StatusCode {
	case http.StatusFound:
		return response.Header.Get("Location"), nil
	case http.StatusGone:
		return "", ErrExpired
	}
	return "", &github.ErrorResponse{Response: response, Message: "artifact " + fmt.Sprint(id)}
}
