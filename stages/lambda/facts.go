// Package lambda moves published versions through the aliases of AWS Lambda
// functions, all at once or by weights.
//
// A release is a version, named "function:number@code". Between the aliases of one
// function the version travels. Another function, region or account has versions of
// its own: there the version with the same code is found ([function.Resolve]).
// Every effect is one UpdateAlias under the alias' RevisionId, which is a
// compare-and-swap, and its answer is the alias as it stands then.
package lambda

import (
	"time"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// settle is how late an update without an answer may still become visible.
const settle = 2 * time.Second

// Facts are what Lambda's aliases can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "lambda",
		Title:    "AWS Lambda",
		Console:  "https://{region}.console.aws.amazon.com/lambda/home?region={region}#/functions/{function}/aliases/{alias}",
		Digests:  true,
		Keys: []driver.Key{
			{
				Name: "function", Type: driver.String, Required: true, Identity: true, Reach: true,
				Pattern: `[A-Za-z0-9_-]{1,64}`, Hint: "a function's name, such as orders",
				Doc: "The name of the function.",
			},
			{
				Name: "alias", Type: driver.String, Required: true, Identity: true,
				Pattern: `[A-Za-z0-9_-]{0,127}[A-Za-z_-][A-Za-z0-9_-]{0,127}`, Hint: "letters, digits, - and _, not digits alone, such as live",
				Doc: "The name of the function's alias that traffic goes to.",
			},
			{
				Name: "region", Type: driver.String, Identity: true, Reach: true,
				Pattern: amazon.RegionPattern, Hint: amazon.RegionHint,
				Doc: "The function's region; AWS_REGION or the AWS profile's unless given.",
			},
		},
		Kinds:    []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback},
		Settle:   settle,
		Backoff:  driver.Backoff{Initial: time.Second, Max: 30 * time.Second, Factor: 2},
		Finds:    driver.Finds{What: "[REGION/]FUNCTION", About: "a function, whose aliases become targets", Example: "eu-west-1/orders"},
		Login:    amazon.Login(),
		Secrets:  amazon.Secrets(),
		Identity: amazon.Identity(),
		Needs: []driver.Permission{
			{Name: "lambda:GetAlias"},
			{Name: "lambda:GetFunctionConfiguration"},
			{Name: "lambda:ListVersionsByFunction"},
			{Name: "lambda:GetProvisionedConcurrencyConfig"},
			{Name: "lambda:UpdateAlias", Changes: true},
		},
	}
}
