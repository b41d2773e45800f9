package apigateway

import (
	"errors"
	"strings"

	routes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

const (
	remedyRelease = "give a deployment of the target's own REST API"
	remedyMake    = "make one (`--release new`)"
)

// Explain classifies what the SDK and this driver return.
func (g *gateway) Explain(err error) driver.Explanation {
	return amazon.Explain(err, amazon.Remedies{
		Denied:   "allow the role apigateway:GET on the stage and its API's deployments, apigateway:PATCH on the stage, for --release new apigateway:POST on the deployments, and for testers by a header apigateway:POST, PATCH and DELETE on the API's stages, GET on the domain name and its apimappings, and GET, POST, PUT and DELETE on its routingrules",
		NotFound: "check the target's restApi, stage and region, and the release, against what AWS shows",
		Conflict: "look at the stage: it is in a state that refuses the change",
	}, refineFor(err))
}

// refineFor is refine, with what only the error's type says: a routing rule's priority
// that somebody took a moment ago. Another one is taken when the rule is prepared anew.
func refineFor(err error) amazon.Refine {
	return func(x *driver.Explanation, code, message string) {
		refine(x, code, message)
		if _, taken := errors.AsType[*routes.ConflictException](err); taken {
			x.Code, x.Busy, x.Remedy = driver.Retryable, true, ""
		}
	}
}

// busy is what API Gateway says while it carries out another change to the same
// API, which it does one by one: with ConflictException (409), and with
// BadRequestException (400) before 2020 and still now and then. Nothing was
// changed, and the message itself is "…Please try again later."
// (hashicorp/terraform-provider-aws#776 and #16439 retry it,
// carlnordenfelt/aws-api-gateway-for-cloudformation#27 records the 400).
const busy = "due to concurrent modification"

func refine(x *driver.Explanation, code, message string) {
	switch {
	case strings.Contains(message, busy):
		x.Code, x.Busy, x.Remedy = driver.Retryable, true, ""
	case code == "BadRequestException" && message == "Deployment id does not exist":
		x.Code, x.Remedy = driver.NotFound, remedyRelease
	}
}
