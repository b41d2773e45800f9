package apigateway_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"sluice/stages"
	"sluice/stages/driver"
)

// cutting carries requests, and loses the answer to the first that makes a
// deployment.
type cutting struct{ posts int }

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/deployments") {
		return resp, err
	}
	if c.posts++; c.posts > 1 {
		return resp, nil
	}
	return nil, errors.Join(io.ErrUnexpectedEOF, resp.Body.Close())
}

// TestMakeAfterALostAnswer: a deployment whose answer was lost is found by its
// description, and no second one is made.
func TestMakeAfterALostAnswer(t *testing.T) {
	r, api := newRig(t), "a1b2c3d4e5"
	count := func() int {
		out, err := r.aws.GetDeployments(t.Context(), &sdk.GetDeploymentsInput{RestApiId: &api})
		r.must(err)
		return len(out.Items)
	}
	wire := &cutting{}
	prod, before := place(t, r.Harness, nil, wire, target("prod")), count()
	const description = "commit 1 by octo/shop/runs/7/deploy"
	if made, err := prod.Make(t.Context(), description); stages.CodeOf(err) != driver.Lost {
		t.Fatalf("%+v, %v, want a lost answer", made, err)
	}
	made, err := prod.Make(t.Context(), description)
	r.must(err)
	if wire.posts != 1 || count() != before+1 || made.Comment != description {
		t.Errorf("%d requests, %d deployments more, %+v", wire.posts, count()-before, made)
	}
}
