package apigateway

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

var _ driver.Finder = (*gateway)(nil)

// Find lists the stages of a REST API, which is named by its id or its name.
func (g *gateway) Find(ctx context.Context, what string) (driver.Existing, error) {
	region, name, err := amazon.Regional(Facts().Finds, what, g.client.Options().Region)
	if err != nil {
		return driver.Existing{}, err
	}
	at := place{Region: region}
	api, err := g.called(ctx, at, name)
	if err != nil {
		return driver.Existing{}, err
	}
	at.RestAPI = aws.ToString(api.Id)
	out, err := g.client.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: &at.RestAPI}, at.region)
	if err != nil {
		return driver.Existing{}, err
	}
	found := driver.Existing{Name: aws.ToString(api.Name), One: true}
	for _, s := range out.Item {
		at.Stage = aws.ToString(s.StageName)
		if _, err := believeStage("GetStages", s, at.Stage, out.ResultMetadata); err != nil {
			return driver.Existing{}, err
		}
		one := amazon.Place(at.Stage, at)
		if s.CanarySettings != nil {
			one.Note = "a canary stands on it now; `sluice promote-canary` or `sluice disable-canary` ends it"
		}
		found.Places = append(found.Places, one)
	}
	if len(found.Places) == 0 {
		return driver.Existing{}, amazon.Missing(fmt.Sprintf("REST API %s in %s has no stage", name, region), "make its stages first (`aws apigateway create-stage`)", out.ResultMetadata)
	}
	return found, nil
}

// called is the one REST API of an id or a name.
func (g *gateway) called(ctx context.Context, at place, name string) (types.RestApi, error) {
	var called []types.RestApi
	var all []string
	pages := apigateway.NewGetRestApisPaginator(g.client, &apigateway.GetRestApisInput{Limit: aws.Int32(mostListed)}, func(o *apigateway.GetRestApisPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, at.region)
		if err != nil {
			return types.RestApi{}, err
		}
		for _, api := range page.Items {
			if aws.ToString(api.Id) == "" {
				return types.RestApi{}, amazon.Lacking("GetRestApis", page.ResultMetadata, "the id of a REST API")
			}
			if name == aws.ToString(api.Id) {
				return api, nil
			}
			all = append(all, aws.ToString(api.Name)+" ("+aws.ToString(api.Id)+")")
			if name == aws.ToString(api.Name) {
				called = append(called, api)
			}
		}
	}
	switch {
	case len(called) == 1:
		return called[0], nil
	case len(called) > 1:
		return types.RestApi{}, &amazon.InvalidError{Text: fmt.Sprintf("%d REST APIs in %s are called %q: %s", len(called), at.Region, name, idsOf(called)), Remedy: "name one by its id"}
	}
	return types.RestApi{}, &amazon.NotFoundError{Text: fmt.Sprintf("%s has no REST API with the id or name %q; it has %s", at.Region, name, someOf(all)), Remedy: amazon.ElsewhereRemedy(name)}
}

// someOf lists what there is, not all of very much.
func someOf(all []string) string {
	const most = 20
	switch more := len(all) - most; {
	case len(all) == 0:
		return "none"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), more)
	default:
		return strings.Join(all, ", ")
	}
}

func idsOf(apis []types.RestApi) string {
	ids := make([]string, len(apis))
	for i, api := range apis {
		ids[i] = aws.ToString(api.Id)
	}
	return strings.Join(ids, ", ")
}
