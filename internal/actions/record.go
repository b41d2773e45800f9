package actions

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// WritesRecords is the permission that [Client.Record] needs.
const WritesRecords = "artifact-metadata: write"

// Record says that an artifact of the organisation is deployed somewhere, as its list of
// linked artifacts shows it. One environment, cluster and name is one record, which a
// later one takes the place of.
type Record struct {
	Artifact    string `json:"name"`
	Digest      string `json:"digest"` // "sha256:…" of the artifact
	Version     string `json:"version,omitempty"`
	Status      string `json:"status"` // "deployed"
	Environment string `json:"logical_environment"`
	Cluster     string `json:"cluster,omitempty"`
	Name        string `json:"deployment_name"`
	Repository  string `json:"github_repository,omitempty"` // of the organisation, without its name
	Return      bool   `json:"return_records"`
}

// recorded is the answer: without the records, because they are not asked for.
type recorded struct{}

// Proven implements [Answer].
func (*recorded) Proven() error { return nil }

// Record writes a record of a deployment. The repository's owner must be an
// organisation, and the token needs [WritesRecords]. One request.
func (c *Client) Record(ctx context.Context, r Record) error {
	r.Repository = c.Name
	_, err := Send[recorded](ctx, c, http.MethodPost, fmt.Sprintf("orgs/%s/artifacts/metadata/deployment-record", url.PathEscape(c.Owner)), r)
	return err
}
