package apigateway

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go/middleware"

	"sluice/canary"
	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// What an answer must carry to be believed; docs/guarantees.md has it for
// people.

// stageOf is what an answer about one stage says, as a list says it.
func stageOf(out *apigateway.GetStageOutput) types.Stage {
	return types.Stage{StageName: out.StageName, DeploymentId: out.DeploymentId, Variables: out.Variables, CanarySettings: out.CanarySettings}
}

// believeStage is the stage that an answer shows, if it shows the one that was
// asked for. A stage always runs a deployment: CreateStage requires one, and
// one that a stage runs cannot be deleted. The same goes for its patch.
func believeStage(operation string, out types.Stage, name string, metadata middleware.Metadata) (patch.Stage, error) {
	var lacks []string
	if aws.ToString(out.StageName) != name {
		lacks = append(lacks, "the stageName "+name)
	}
	if aws.ToString(out.DeploymentId) == "" {
		lacks = append(lacks, "a deploymentId")
	}
	if out.CanarySettings != nil && aws.ToString(out.CanarySettings.DeploymentId) == "" {
		lacks = append(lacks, "the canary's deploymentId")
	}
	if err := amazon.Lacking(operation, metadata, lacks...); err != nil {
		return patch.Stage{}, err
	}
	return patch.Stage{
		DeploymentID: *out.DeploymentId, Variables: out.Variables, Canary: canaryOf(out.CanarySettings),
	}, nil
}

func canaryOf(settings *types.CanarySettings) *patch.Canary {
	if settings == nil {
		return nil
	}
	return &patch.Canary{
		DeploymentID:  aws.ToString(settings.DeploymentId),
		Percent:       canary.PercentOf(settings.PercentTraffic),
		Overrides:     settings.StageVariableOverrides,
		UseStageCache: settings.UseStageCache,
	}
}

// believeDeployment is the deployment that an answer shows, if it is the one
// that was asked for.
func believeDeployment(out *apigateway.GetDeploymentOutput, id string) (driver.Release, error) {
	d := types.Deployment{Id: out.Id, CreatedDate: out.CreatedDate, Description: out.Description}
	return believeListed("GetDeployment", d, id, out.ResultMetadata)
}

// believeListed is a deployment as an answer shows it, if it is the one that was
// asked for. Its description is what people call it.
func believeListed(operation string, out types.Deployment, id string, metadata middleware.Metadata) (driver.Release, error) {
	var lacks []string
	if id == "" || aws.ToString(out.Id) != id {
		lacks = append(lacks, strings.TrimSpace("the id "+id))
	}
	if out.CreatedDate == nil {
		lacks = append(lacks, "a createdDate")
	}
	if err := amazon.Lacking(operation, metadata, lacks...); err != nil {
		return driver.Release{}, err
	}
	said := aws.ToString(out.Description)
	return driver.Release{ID: id, Name: said, CreateTime: *out.CreatedDate, Comment: said}, nil
}
