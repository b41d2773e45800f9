package apigateway

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// mostListed is the longest page of deployments that the API gives.
const mostListed = 500

// Resolve reads a deployment of the target's REST API. What is no deployment's id
// is looked for among the descriptions and the beginnings of ids.
func (g *gateway) Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error) {
	at, err := g.place(t)
	if err != nil {
		return driver.Release{}, err
	}
	if id == driver.Latest {
		return g.latest(ctx, at)
	}
	in := &apigateway.GetDeploymentInput{RestApiId: &at.RestAPI, DeploymentId: &id}
	out, err := g.client.GetDeployment(ctx, in, at.region)
	if err == nil {
		return believeDeployment(out, id)
	}
	if g.Explain(err).Code != driver.NotFound {
		return driver.Release{}, err
	}
	called, failed := g.listed(ctx, at, func(r driver.Release) bool { return r.Called(id) })
	switch {
	case failed != nil:
		return driver.Release{}, failed
	case len(called) == 0:
		return driver.Release{}, err
	case len(called) > 1:
		ids := make([]string, len(called))
		for i, r := range called {
			ids[i] = r.ID
		}
		return driver.Release{}, &amazon.InvalidError{Text: fmt.Sprintf("%d deployments are called %q: %s", len(called), id, strings.Join(ids, ", ")),
			Remedy: "name one by its id",
		}
	}
	return called[0], nil
}

// listed are the deployments of an API that are wanted.
func (g *gateway) listed(ctx context.Context, at place, wanted func(driver.Release) bool) ([]driver.Release, error) {
	var found []driver.Release
	in := &apigateway.GetDeploymentsInput{RestApiId: &at.RestAPI, Limit: aws.Int32(mostListed)}
	for had := map[string]bool{}; ; {
		out, err := g.client.GetDeployments(ctx, in, at.region)
		if err != nil {
			return nil, err
		}
		for _, d := range out.Items {
			r, err := believeListed("GetDeployments", d, aws.ToString(d.Id), out.ResultMetadata)
			if err != nil {
				return nil, err
			}
			if wanted(r) {
				found = append(found, r)
			}
		}
		next := aws.ToString(out.Position)
		if next == "" {
			return found, nil
		}
		if had[next] {
			return nil, amazon.Lacking("GetDeployments", out.ResultMetadata, "a page that follows the one before")
		}
		had[next], in.Position = true, &next
	}
}
