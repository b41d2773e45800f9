#!/usr/bin/env bash
# The aws CLI: the document on promoting a canary in API Gateway, an alias of Lambda, a service of ECS.
set -u
# shellcheck source-path=SCRIPTDIR source=calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER='' AWS_MAX_ATTEMPTS=1
# Older ones do not know the variables of the addresses.
gateway() { aws apigateway "$@" --endpoint-url "$AWS_ENDPOINT_URL_API_GATEWAY" --output json; }
lambda() { aws lambda "$@" --endpoint-url "$AWS_ENDPOINT_URL_LAMBDA" --output json; }
ecs() { aws ecs "$@" --endpoint-url "$AWS_ENDPOINT_URL_ECS" --output json; }

stage=(--rest-api-id a1b2c3d4e5 --stage-name prod)
call 'apigateway create-deployment --canary-settings' '.id' gateway create-deployment "${stage[@]}" --canary-settings '{"percentTraffic": 10.5, "useStageCache": false, "stageVariableOverrides": {"sv2": "val3", "sv1": "val2"}}'
canary=$(jq -r .id <<<"$last")
call 'apigateway get-stage' '.canarySettings.percentTraffic == 10.5' gateway get-stage "${stage[@]}"
call 'apigateway update-stage, promote' ".deploymentId == \"$canary\" and .canarySettings.percentTraffic == 0" gateway update-stage "${stage[@]}" --patch-operations '[{
  "op": "replace", "value": "0.0", "path": "/canarySettings/percentTraffic"
}, {
  "op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"
}, {
  "op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"
}]'
call 'apigateway update-stage, disable' '.canarySettings == null' gateway update-stage "${stage[@]}" --patch-operations '[{"op": "remove", "path": "/canarySettings"}]'
call 'apigateway get-resources' '.items[0].path == "/"' gateway get-resources --rest-api-id a1b2c3d4e5
call 'apigateway get-export' '.openapi' gateway get-export "${stage[@]}" --export-type oas30 /dev/stdout
call 'lambda get-alias' '.RevisionId' lambda get-alias --function-name orders-live --name live
live=$(jq -r .FunctionVersion <<<"$last")
call 'lambda list-versions-by-function' '.Versions | length > 1' lambda list-versions-by-function --function-name orders-live
version=$(jq -r --arg live "$live" '[.Versions[].Version | select(. != "$LATEST" and . != $live)][0]' <<<"$last")
call 'lambda update-alias' '.FunctionVersion' lambda update-alias --function-name orders-live --name live --routing-config "AdditionalVersionWeights={$version=0.1}"
call 'ecs describe-services' '.services[0].status == "ACTIVE"' ecs describe-services --cluster production --services web
call 'ecs update-service' '.service.taskDefinition | endswith("task:2")' ecs update-service --cluster production --service web --task-definition task:2
call 'ecs list-service-deployments' '.serviceDeployments | length == 1' ecs list-service-deployments --cluster production --service web
call 'ecs list-tasks' '.taskArns' ecs list-tasks --cluster production
