package actions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	CreatedAt time.Time `json:"created_at"`
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
	// maxArtifactPages bounds one listing.
	maxArtifactPages = 20
)

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
	seen := map[int64]bool{}
	for _, a := range p.Artifacts {
		if seen[a.ID] {
			return fmt.Errorf("artifact %d twice", a.ID)
		}
		seen[a.ID] = true
		if a.ID <= 0 || a.Name == "" || a.Run != nil && a.Run.ID <= 0 {
			return errors.New("an artifact without its id, its name or the id of its run")
		}
	}
	return nil
}

// ArtifactsNamed hands over the repository's artifacts of exactly one name, newest
// first, a hundred at a time, one request each; the caller says whether it wants
// more. go-github v60 knows no such filter. Needs the permission actions: read. Its
// errors are those of [Get] and of the caller.
func (c *Client) ArtifactsNamed(ctx context.Context, name string, use func([]RepositoryArtifact) (more bool, err error)) error {
	path := "actions/artifacts?name=" + url.QueryEscape(name)
	return c.artifactPages(ctx, path, func(page artifactPage) (bool, error) {
		for _, a := range page.Artifacts {
			if a.Name != name {
				return false, &AnswerError{What: "GET " + path, Err: fmt.Errorf("it holds an artifact %.100q", a.Name)}
			}
		}
		return use(page.Artifacts)
	})
}

// listings is how often a list that shrank while it was read is read again.
const listings = 3

// ErrMoving means that the list could not be read in one piece.
var ErrMoving = errors.New("artifacts were deleted each time while the list was read")

// ArtifactsOf lists the artifacts of a run, one request for each hundred; none of a
// run that was deleted. Its errors are those of [Get], and [ErrMoving].
func (c *Client) ArtifactsOf(ctx context.Context, run int64) ([]RepositoryArtifact, error) {
	for range listings {
		list, total := []RepositoryArtifact{}, 0
		err := c.artifactPages(ctx, fmt.Sprintf("actions/runs/%d/artifacts?", run), func(page artifactPage) (bool, error) {
			if *page.Total < total {
				return false, ErrMoving // the rest moved forward, past the next page
			}
			total = *page.Total
			list = append(list, page.Artifacts...)
			return true, nil
		})
		switch {
		case Status(err) == http.StatusNotFound:
			return nil, nil
		case !errors.Is(err, ErrMoving):
			return list, err
		}
	}
	return nil, ErrMoving
}

// artifactPages reads a list page by page, as long as use wants more.
func (c *Client) artifactPages(ctx context.Context, path string, use func(artifactPage) (more bool, err error)) error {
	for n := 1; n <= maxArtifactPages; n++ {
		page, err := c.artifactPage(ctx, path, n)
		if err != nil {
			return err
		}
		more, err := use(page)
		if err != nil || !more || n*artifactsPage >= *page.Total {
			return err
		}
	}
	return fmt.Errorf("GET %s: more than %d artifacts", path, maxArtifactPages*artifactsPage)
}

// artifactPage reads one page, which holds as many as the list's length says.
func (c *Client) artifactPage(ctx context.Context, path string, n int) (artifactPage, error) {
	path = c.Path(fmt.Sprintf("%s&per_page=%d&page=%d", path, artifactsPage, n))
	return again(ctx, c.wait, func() (artifactPage, error) {
		page, err := ask[artifactPage](ctx, c, http.MethodGet, path, nil)
		if err != nil {
			return page, err
		}
		if want := max(0, min(artifactsPage, *page.Total-(n-1)*artifactsPage)); len(page.Artifacts) != want {
			return page, &AnswerError{"GET " + path, fmt.Errorf("%d artifacts on a page that has %d", len(page.Artifacts), want)}
		}
		return page, nil
	})
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

// Artifact downloads the zip file of an artifact, of at most limit bytes, again
// until proven is content with it. Its errors are those of [Client.ArtifactURL].
func (c *Client) Artifact(ctx context.Context, id, limit int64, proven func([]byte) error) ([]byte, error) {
	return again(ctx, c.wait, func() ([]byte, error) {
		address, err := c.ArtifactURL(ctx, id)
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		return c.plain(request, "the download of an artifact", limit, proven)
	})
}

// plain asks a signed address. Its errors do not show it.
func (c *Client) plain(request *http.Request, what string, limit int64, proven func([]byte) error) ([]byte, error) {
	response, err := c.Plain.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return nil, &AnswerError{what, err}
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	err = errors.Join(err, response.Body.Close())
	switch {
	case response.StatusCode == http.StatusNotFound:
		return nil, &github.ErrorResponse{Response: response, Message: what}
	case response.StatusCode != http.StatusOK:
		err = errors.New(response.Status)
	case err == nil && int64(len(text)) > limit:
		err = tooLong(limit)
	case err == nil:
		err = proven(text)
	}
	if err != nil {
		return nil, &AnswerError{what, err}
	}
	return text, nil
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
