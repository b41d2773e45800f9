package apigateway_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

func TestRestAPIs(t *testing.T) {
	b := newBench(t)
	api, err := b.client.GetRestApi(t.Context(), &sdk.GetRestApiInput{RestApiId: &b.api})
	b.must(err)
	if *api.Name != "shop" || !api.CreatedDate.Equal(start) || *api.RootResourceId == "" {
		t.Errorf("got %+v", api)
	}
	_, err = b.client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("")})
	badRequest(t, err, "name")

	_, err = b.client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: &b.api})
	b.must(err)
	_, err = b.client.GetRestApi(t.Context(), &sdk.GetRestApiInput{RestApiId: &b.api})
	wantError(t, err, 404, "NotFoundException", "Invalid API identifier specified")
	_, err = b.client.DeleteRestApi(t.Context(), &sdk.DeleteRestApiInput{RestApiId: &b.api})
	wantError(t, err, 404, "NotFoundException", "Invalid API identifier specified")
}

func TestListsPage(t *testing.T) {
	b := newBench(t)
	ids := []string{b.old, b.next}
	for range 5 {
		d, err := b.client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: &b.api})
		b.must(err)
		ids = append(ids, *d.Id)
	}
	var pages []int
	var listed []string
	pager := sdk.NewGetDeploymentsPaginator(b.client, &sdk.GetDeploymentsInput{RestApiId: &b.api, Limit: aws.Int32(3)})
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		b.must(err)
		pages = append(pages, len(page.Items))
		for _, d := range page.Items {
			listed = append(listed, *d.Id)
		}
	}
	if fmt.Sprint(pages) != "[3 3 1]" || !slices.Equal(listed, ids) {
		t.Errorf("pages of %v: %v, want %v", pages, listed, ids)
	}
	_, err := b.client.GetDeployments(t.Context(), &sdk.GetDeploymentsInput{RestApiId: &b.api, Position: aws.String("moon")})
	badRequest(t, err, "Invalid position")
	_, err = b.client.GetDeployments(t.Context(), &sdk.GetDeploymentsInput{RestApiId: &b.api, Limit: aws.Int32(-1)})
	badRequest(t, err, "Invalid limit")
	apis, err := b.client.GetRestApis(t.Context(), &sdk.GetRestApisInput{})
	b.must(err)
	if len(apis.Items) != 1 || apis.Position != nil {
		t.Errorf("APIs: %+v", apis.Items)
	}
}

func TestDeployments(t *testing.T) {
	b := newBench(t)
	find := func(id string) error {
		_, err := b.client.GetDeployment(t.Context(), &sdk.GetDeploymentInput{RestApiId: &b.api, DeploymentId: &id})
		return err
	}
	drop := func(id string) error {
		_, err := b.client.DeleteDeployment(t.Context(), &sdk.DeleteDeploymentInput{RestApiId: &b.api, DeploymentId: &id})
		return err
	}
	b.must(find(b.next))
	badRequest(t, drop(b.old), "Active stages pointing to this deployment must be moved or deleted")
	b.makeCanary()
	badRequest(t, drop(b.next), "Active stages with canary settings")
	_, err := b.patch(remove("/canarySettings"))
	b.must(err)
	b.must(drop(b.next))
	wantError(t, find(b.next), 404, "NotFoundException", "Invalid Deployment identifier specified")
	wantError(t, drop(b.next), 404, "NotFoundException", "Invalid Deployment identifier specified")
	_, err = b.patch(replace("/deploymentId", b.next))
	badRequest(t, err, "Deployment id does not exist")
}

func TestDeploymentsBelongToOneAPI(t *testing.T) {
	b := newBench(t)
	other, err := b.client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("other")})
	b.must(err)
	d, err := b.client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: other.Id})
	b.must(err)
	_, err = b.patch(replace("/deploymentId", *d.Id))
	badRequest(t, err, "Deployment id does not exist")
}

func TestDeploymentToAStage(t *testing.T) {
	b := newBench(t)
	canary := &types.DeploymentCanarySettings{PercentTraffic: 10.5, StageVariableOverrides: map[string]string{"sv1": "val2"}}
	deploy := func(in sdk.CreateDeploymentInput) (string, error) {
		in.RestApiId = &b.api
		d, err := b.client.CreateDeployment(t.Context(), &in)
		if err != nil {
			return "", err
		}
		return *d.Id, nil
	}
	_, err := deploy(sdk.CreateDeploymentInput{CanarySettings: canary})
	badRequest(t, err, "Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. Provided value is null")
	_, err = deploy(sdk.CreateDeploymentInput{CanarySettings: canary, StageName: aws.String("")})
	badRequest(t, err, "Provided value is ")
	_, err = deploy(sdk.CreateDeploymentInput{CanarySettings: canary, StageName: aws.String("moon")})
	badRequest(t, err, "Stage moon must already be created before making a canary release deployment")
	_, err = deploy(sdk.CreateDeploymentInput{Variables: map[string]string{"a:b": "c"}, StageName: aws.String("prod")})
	badRequest(t, err, "Invalid stage variable name: a:b.")
	_, err = deploy(sdk.CreateDeploymentInput{CanarySettings: &types.DeploymentCanarySettings{StageVariableOverrides: map[string]string{"a": ""}}, StageName: aws.String("prod")})
	badRequest(t, err, "Invalid stage variable value: .")
	_, err = deploy(sdk.CreateDeploymentInput{CanarySettings: &types.DeploymentCanarySettings{PercentTraffic: 101}, StageName: aws.String("prod")})
	badRequest(t, err, "Must be between 0.0 and 100.0")

	b.next, err = deploy(sdk.CreateDeploymentInput{CanarySettings: canary, StageName: aws.String("prod")})
	b.must(err)
	if got, want := b.stage(), "{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:new,Percent:10.5,Overrides:{sv1:val2}}}"; got != want {
		t.Errorf("canary deployment:\n%s\nwant\n%s", got, want)
	}
	_, err = deploy(sdk.CreateDeploymentInput{StageName: aws.String("prod")})
	badRequest(t, err, "Invalid deployment content specified.Non canary deployment not supported on stage prod because Canary is enabled. Provide CanarySettings in deploymentInput.")

	_, err = b.patch(remove("/canarySettings"))
	b.must(err)
	b.next, err = deploy(sdk.CreateDeploymentInput{
		StageName: aws.String("prod"), StageDescription: aws.String("s"), Variables: map[string]string{"k": "v"},
		TracingEnabled: aws.Bool(true), CacheClusterEnabled: aws.Bool(true),
	})
	b.must(err)
	if got, want := b.stage(), "{ID:new,Variables:{k:v,own:stays,sv1:val1}}"; got != want {
		t.Errorf("ordinary deployment:\n%s\nwant\n%s", got, want)
	}
}

func TestStages(t *testing.T) {
	b := newBench(t)
	create := func(name, deployment string, canary *types.CanarySettings) error {
		_, err := b.client.CreateStage(t.Context(), &sdk.CreateStageInput{RestApiId: &b.api, StageName: &name, DeploymentId: &deployment, CanarySettings: canary})
		return err
	}
	wantError(t, create("prod", b.old, nil), 409, "ConflictException", "Stage already exists")
	badRequest(t, create("x", "moon", nil), "Deployment id does not exist")
	badRequest(t, create("", b.old, nil), "Stage name")
	badRequest(t, create("x", b.old, &types.CanarySettings{DeploymentId: aws.String("moon")}), "Deployment id does not exist")
	badRequest(t, create("x", b.old, &types.CanarySettings{PercentTraffic: -1}), "Must be between 0.0 and 100.0")
	b.must(create("x", b.next, &types.CanarySettings{PercentTraffic: 50}))

	list := func(deployment *string) (names []string) {
		stages, err := b.client.GetStages(t.Context(), &sdk.GetStagesInput{RestApiId: &b.api, DeploymentId: deployment})
		b.must(err)
		for _, s := range stages.Item {
			names = append(names, *s.StageName)
		}
		return names
	}
	if got := list(nil); fmt.Sprint(got) != "[prod x]" {
		t.Errorf("stages %v", got)
	}
	if got := list(&b.next); fmt.Sprint(got) != "[x]" {
		t.Errorf("stages of the newer deployment: %v", got)
	}
	_, err := b.client.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &b.api, StageName: aws.String("x")})
	b.must(err)
	_, err = b.client.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &b.api, StageName: aws.String("x")})
	wantError(t, err, 404, "NotFoundException", "Invalid stage identifier specified")
}

func TestUnknownAPI(t *testing.T) {
	c := connect(serve(t, sandbox.Options{}))
	id, name := aws.String("moon"), aws.String("prod")
	calls := map[string]func() error{
		"GetDeployments": func() error {
			_, err := c.GetDeployments(t.Context(), &sdk.GetDeploymentsInput{RestApiId: id})
			return err
		},
		"CreateDeployment": func() error {
			_, err := c.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: id})
			return err
		},
		"GetDeployment": func() error {
			_, err := c.GetDeployment(t.Context(), &sdk.GetDeploymentInput{RestApiId: id, DeploymentId: name})
			return err
		},
		"GetStages": func() error { _, err := c.GetStages(t.Context(), &sdk.GetStagesInput{RestApiId: id}); return err },
		"CreateStage": func() error {
			_, err := c.CreateStage(t.Context(), &sdk.CreateStageInput{RestApiId: id, StageName: name, DeploymentId: name})
			return err
		},
		"GetStage": func() error {
			_, err := c.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: id, StageName: name})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			wantError(t, call(), 404, "NotFoundException", "Invalid API identifier specified 000000000000:moon")
		})
	}
}

func TestCredentials(t *testing.T) {
	s := serve(t, sandbox.Options{})
	as := func(p aws.CredentialsProvider, region string) error {
		c := connect(s, func(o *sdk.Options) { o.Credentials, o.Region = p, region })
		_, err := c.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("x")})
		return err
	}
	wantError(t, as(credentials.NewStaticCredentialsProvider(awsapi.RejectedKeyID, "x", ""), "eu-west-1"),
		403, "UnrecognizedClientException", "The security token included in the request is invalid.")
	wantError(t, as(aws.AnonymousCredentials{}, "eu-west-1"),
		403, "MissingAuthenticationTokenException", "Missing Authentication Token")
	if err := as(credentials.NewStaticCredentialsProvider("ANYBODY", "x", ""), "eu-west-1"); err != nil {
		t.Errorf("any other key id: %v", err)
	}
	if n := len(s.Effects()); n != 1 {
		t.Errorf("%d effects, want the accepted one alone", n)
	}
}

func TestUnservedCall(t *testing.T) {
	_, err := connect(serve(t, sandbox.Options{})).GetApiKeys(t.Context(), &sdk.GetApiKeysInput{})
	wantError(t, err, 404, "UnknownOperationException", "the sandbox does not serve GET /apikeys")
}
