package apigateway

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// Make makes a deployment of the target's API as it stands, without a stage, so
// that nothing runs it yet. One with the description is looked for first.
func (g *gateway) Make(ctx context.Context, t driver.Target, description string) (driver.Release, error) {
	at, err := g.place(t)
	if err != nil {
		return driver.Release{}, err
	}
	made, err := g.listed(ctx, at, func(r driver.Release) bool { return r.Comment == description })
	if err != nil || len(made) > 0 {
		return newest(made), err
	}
	in := &apigateway.CreateDeploymentInput{RestApiId: &at.RestAPI, Description: &description}
	out, err := g.client.CreateDeployment(ctx, in, at.region)
	if err != nil {
		return driver.Release{}, err
	}
	d := types.Deployment{Id: out.Id, CreatedDate: out.CreatedDate, Description: out.Description}
	return believeListed("CreateDeployment", d, aws.ToString(out.Id), out.ResultMetadata)
}

// latest is the newest deployment of the API.
func (g *gateway) latest(ctx context.Context, at place) (driver.Release, error) {
	all, err := g.listed(ctx, at, func(driver.Release) bool { return true })
	if err == nil && len(all) == 0 {
		err = &amazon.NotFoundError{Text: fmt.Sprintf("API %s has no deployment", at.RestAPI), Remedy: remedyMake}
	}
	return newest(all), err
}

// newest is the one that was made last, of equal times the last listed.
func newest(all []driver.Release) driver.Release {
	var last driver.Release
	for _, r := range all {
		if !r.CreateTime.Before(last.CreateTime) {
			last = r
		}
	}
	return last
}
