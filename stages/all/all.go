// Package all is the explicit list of platforms.
package all

import (
	"sluice/stages"
	"sluice/stages/apigateway"
	"sluice/stages/clouddeploy"
	"sluice/stages/cloudrun"
	"sluice/stages/deploymentmanager"
	"sluice/stages/ecs"
	"sluice/stages/entrecode"
	"sluice/stages/exec"
	"sluice/stages/heroku"
	"sluice/stages/inframanager"
	"sluice/stages/lambda"
)

// Trial has the conformance cases run against a program of the user's own.
type Trial = exec.Trial

// Platforms are the platforms that this build can reach, in the order of the
// documentation.
func Platforms() []stages.Platform {
	return []stages.Platform{
		{Facts: heroku.Facts(), Open: heroku.Open},
		{Facts: apigateway.Facts(), Open: apigateway.Open},
		{Facts: clouddeploy.Facts(), Open: clouddeploy.Open},
		{Facts: deploymentmanager.Facts(), Open: deploymentmanager.Open},
		{Facts: inframanager.Facts(), Open: inframanager.Open},
		{Facts: entrecode.Facts(), Open: entrecode.Open},
		{Facts: lambda.Facts(), Open: lambda.Open},
		{Facts: cloudrun.Facts(), Open: cloudrun.Open},
		{Facts: ecs.Facts(), Open: ecs.Open},
		{Facts: exec.Facts(), Open: exec.Open},
	}
}
