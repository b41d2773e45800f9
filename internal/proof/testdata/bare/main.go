// Command bare promotes the canary of a stage as shortly as the vendor's SDK can:
// what Sluice is held against by make bench. It takes the REST API and the stage.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
)

func main() {
	ctx := context.Background()
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := apigateway.NewFromConfig(loaded)
	if _, err := client.GetStage(ctx, &apigateway.GetStageInput{RestApiId: &os.Args[1], StageName: &os.Args[2]}); err != nil {
		log.Fatal(err)
	}
	_, err = client.UpdateStage(ctx, &apigateway.UpdateStageInput{RestApiId: &os.Args[1], StageName: &os.Args[2], PatchOperations: []types.PatchOperation{
		{Op: types.OpCopy, Path: aws.String("/deploymentId"), From: aws.String("/canarySettings/deploymentId")},
		{Op: types.OpReplace, Path: aws.String("/canarySettings/percentTraffic"), Value: aws.String("0.0")},
	}})
	if err != nil {
		log.Fatal(err)
	}
}
