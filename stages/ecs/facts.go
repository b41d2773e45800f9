// Package ecs moves task definitions between services on Amazon ECS.
//
// ECS owns its deployments: rolling, blue/green, linear and canary ones are its own,
// with their stages, pauses and alarms, and Sluice shows each as the platform's
// rollout. A deployment is begun by one UpdateService, which has no token and no
// precondition: a lost answer is found again among the service's deployments that are
// newer than those that were there before.
package ecs

import (
	"time"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// settle is how late a deployment may show: it may be missing from the list for a
// moment (docs/platforms.md). No bound is documented.
const settle = 10 * time.Second

// Facts are what ECS can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "ecs",
		Title:    "Amazon ECS",
		Console:  "https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{service}/deployments?region={region}",
		Keys: []driver.Key{
			{
				Name: "cluster", Type: driver.String, Required: true, Identity: true,
				Pattern: `[A-Za-z0-9_-]{1,255}`, Hint: "the name of a cluster, such as shop",
				Doc: "The name of the cluster.",
			},
			{
				Name: "service", Type: driver.String, Required: true, Identity: true,
				Pattern: `[A-Za-z0-9_-]{1,255}`, Hint: "the name of a service, such as web",
				Doc: "The name of the service, which ECS itself deploys (deployment controller ECS).",
			},
			{
				Name: "region", Type: driver.String, Identity: true, Reach: true, Bound: true,
				Pattern: amazon.RegionPattern, Hint: amazon.RegionHint,
				Doc: "The AWS region; that of the environment where it is left out.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Rollback, driver.Approve, driver.Reject, driver.Advance, driver.Cancel},
		Batch:    1,
		Remote:   true,
		Settle:   settle,
		Backoff:  driver.Backoff{Initial: 5 * time.Second, Max: 30 * time.Second, Factor: 2},
		Works:    "a service deployment (its id or its ARN)",
		Finds:    driver.Finds{What: "[REGION/]CLUSTER[/SERVICE]", About: "a service, or all those of a cluster", Example: "eu-west-1/shop/web"},
		Login:    amazon.Login(),
		Secrets:  amazon.Secrets(),
		Identity: amazon.Identity(),
		Needs: []driver.Permission{
			{Name: "ecs:DescribeServices"},
			{Name: "ecs:ListServiceDeployments"},
			{Name: "ecs:DescribeServiceDeployments"},
			{Name: "ecs:DescribeServiceRevisions"},
			{Name: "ecs:DescribeTaskDefinition"},
			{Name: "ecs:UpdateService", Changes: true},
			{Name: "ecs:ContinueServiceDeployment", Changes: true},
			{Name: "ecs:StopServiceDeployment", Changes: true},
			{Name: "iam:PassRole", Changes: true},
		},
	}
}
