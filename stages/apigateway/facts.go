// Package apigateway moves deployments through the stages of a REST API on
// Amazon API Gateway, all at once or as a patch.
//
// A release is a deployment id; it belongs to one REST API. Every effect is
// one UpdateStage whose answer is the whole stage, so that it is its own
// read-back: it is compared with the stage that was predicted.
package apigateway

import (
	"time"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// settle is how late an update without an answer may still become visible.
const settle = 2 * time.Second

// Facts are what API Gateway can do.
func Facts() driver.Facts {
	return driver.Facts{
		Platform: "apigateway",
		Title:    "Amazon API Gateway",
		Console:  "https://{region}.console.aws.amazon.com/apigateway/main/apis/{restApi}/stages?api={restApi}&region={region}",
		Keys: []driver.Key{
			{
				Name: "restApi", Type: driver.String, Required: true, Identity: true, Reach: true, Bound: true,
				Pattern: `[A-Za-z0-9]{1,64}`, Hint: "the id of a REST API, such as a1b2c3d4e5",
				Doc: "The id of the REST API; deployments can be promoted between stages of one API only.",
			},
			{
				Name: "stage", Type: driver.String, Required: true, Identity: true,
				Pattern: `[A-Za-z0-9_-]{1,128}`, Hint: "letters, digits, - and _, such as prod",
				Doc: "The name of the API's stage.",
			},
			{
				Name: "region", Type: driver.String, Identity: true, Reach: true, Bound: true,
				Pattern: amazon.RegionPattern, Hint: amazon.RegionHint,
				Doc: "The API's region; AWS_REGION or the AWS profile's unless given.",
			},
		},
		Kinds:   []driver.Kind{driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback, driver.Host, driver.Route, driver.Unroute, driver.Unhost},
		Split:   driver.Split{Variables: true, Cache: true, Leaves: true},
		Ahead:   true,
		Makes:   true,
		Batch:   1,
		Settle:  settle,
		Backoff: driver.Backoff{Initial: 500 * time.Millisecond, Max: 30 * time.Second, Factor: 2},
		// "Variable names can have alphanumeric and underscore characters, and the
		// values must match [A-Za-z0-9-._~:/?#&=,]+" (API reference, CreateDeployment).
		Settings: driver.Settings{
			Name: `[A-Za-z0-9_]+`, NameHint: "letters, digits and _, such as backend",
			Value: `[A-Za-z0-9\-._~:/?#&=,]+`, ValueHint: "one or more letters, digits and -._~:/?#&=, signs",
		},
		Headers:  headers(),
		Finds:    driver.Finds{What: "[REGION/]REST_API", About: "a REST API, by its id or name", Example: "eu-west-1/storefront"},
		Login:    amazon.Login(),
		Secrets:  amazon.Secrets(),
		Identity: amazon.Identity(),
		Needs: []driver.Permission{
			{Name: "apigateway:GET"},
			{Name: "apigateway:PATCH", Changes: true},
			{Name: "apigateway:POST", Changes: true},
			{Name: "apigateway:PUT", Changes: true, Testers: true},
			{Name: "apigateway:DELETE", Changes: true, Testers: true},
		},
	}
}

// headers are the rules for what a routing rule may ask for ("Routing rules to connect
// API stages to a custom domain name for REST APIs", Restrictions).
func headers() driver.Headers {
	const sign = "[a-zA-Z0-9?\\-!#$%&'.^_`|~]"
	return driver.Headers{
		Domain:     `[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+`,
		DomainHint: "a custom domain name, such as api.example.com",
		Name:       sign + "{1,39}",
		NameHint:   "fewer than 40 letters, digits and signs of a header's name, such as x-canary",
		Value:      sign + `{1,127}|\*` + sign + `{0,126}|` + sign + `{1,126}\*|\*` + sign + `{1,37}\*`,
		ValueHint:  "fewer than 128 letters, digits and signs of a header's name, with * at the beginning or the end, or fewer than 40 with both",
		Reserved: "(access-control-|apigw-|x-amzn?-).*|authorization|connection|content-(encoding|length|location)|forwarded|keep-alive|origin|" +
			"proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade|via|x-apigw-api-id|x-forwarded-(for|host|proto)|x-restapi",
	}
}
