"""boto3, as scripts use it, and what Terraform's provider asks about a REST API."""
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from calls import call

ONCE = Config(retries={"max_attempts": 0})
API, STAGE = "a1b2c3d4e5", "prod"
gateway = boto3.client("apigateway", config=ONCE)
domains = boto3.client("apigatewayv2", config=ONCE)
functions = boto3.client("lambda", config=ONCE)
services = boto3.client("ecs", config=ONCE)


def patch(*operations):
    return gateway.update_stage(restApiId=API, stageName=STAGE, patchOperations=[
        dict(zip(("op", "path", "value"), o)) for o in operations])


def unless(ok, answer):
    return None if ok else answer


def gateway_calls():
    call("apigateway get_rest_api", lambda: unless(gateway.get_rest_api(restApiId=API)["id"] == API, "another id"))
    call("apigateway get_resources", lambda: unless(
        [r["path"] for r in gateway.get_resources(restApiId=API, embed=["methods"])["items"]][:1] == ["/"], "no root"))
    call("apigateway get_deployments, paged", lambda: unless(
        len(list(gateway.get_paginator("get_deployments").paginate(restApiId=API, PaginationConfig={"PageSize": 1}))) > 1, "one page"))
    call("apigateway get_stages", lambda: unless(len(gateway.get_stages(restApiId=API)["item"]) == 2, "not two stages"))
    call("apigateway get_tags", lambda: unless(
        "tags" in gateway.get_tags(resourceArn=f"arn:aws:apigateway:eu-west-1::/restapis/{API}"), "no tags"))
    call("apigateway get_authorizers", lambda: gateway.get_authorizers(restApiId=API) and None)
    call("apigateway get_base_path_mappings", lambda: gateway.get_base_path_mappings(domainName="api.example.com") and None)
    call("apigateway create_deployment with a canary", canary)
    call("apigateway update_stage, the canary's variables first", variables_first)
    call("apigateway update_stage, access logs", access_logs)
    call("apigateway update_stage, copy", copy)
    call("apigateway update_stage, an unknown path", unknown_path)
    call("apigatewayv2 routing rules", rules)
    call("apigatewayv2 create_routing_rule, a priority that is taken", priority_taken)


DOMAIN = "rules.example.com"


def rule(priority):
    return domains.create_routing_rule(
        DomainName=DOMAIN, Priority=priority,
        Conditions=[{"MatchHeaders": {"AnyOf": [{"Header": "Hello", "ValueGlob": "World"}]}}],
        Actions=[{"InvokeApi": {"ApiId": API, "Stage": STAGE}}])


def rules():
    domains.create_domain_name(DomainName=DOMAIN, RoutingMode="ROUTING_RULE_THEN_API_MAPPING")
    first, second = rule(50)["RoutingRuleId"], rule(20)["RoutingRuleId"]
    listed = [r["RoutingRuleId"] for page in domains.get_paginator("list_routing_rules").paginate(
        DomainName=DOMAIN, PaginationConfig={"PageSize": 1}) for r in page["RoutingRules"]]
    domains.delete_routing_rule(DomainName=DOMAIN, RoutingRuleId=second)
    return unless(listed == [second, first], listed)


def priority_taken():
    try:
        rule(50)
    except domains.exceptions.ConflictException:
        return None
    return "made"


def canary():
    made = gateway.create_deployment(restApiId=API, stageName=STAGE, canarySettings={
        "percentTraffic": 10, "stageVariableOverrides": {"backend": "blue"}, "useStageCache": False})
    now = gateway.get_stage(restApiId=API, stageName=STAGE)
    return unless(now["canarySettings"]["deploymentId"] == made["id"] != now["deploymentId"], now)


def variables_first():
    """Terraform sets the canary's settings by their keys, whether or not there is a canary."""
    patch(("remove", "/canarySettings"))
    deployment = gateway.get_stage(restApiId=API, stageName=STAGE)["deploymentId"]
    now = patch(("replace", "/canarySettings/stageVariableOverrides/backend", "green"),
                ("replace", "/canarySettings/percentTraffic", "12.5"),
                ("replace", "/canarySettings/deploymentId", deployment))
    settings = now.get("canarySettings", {})
    return unless(settings.get("percentTraffic") == 12.5 and settings.get("stageVariableOverrides") == {"backend": "green"}, now)


def access_logs():
    now = patch(("replace", "/accessLogSettings/destinationArn", "arn:aws:logs:eu-west-1:000000000000:log-group:api"),
                ("replace", "/accessLogSettings/format", "$context.requestId"))
    again = patch(("remove", "/accessLogSettings"))
    return unless("accessLogSettings" in now and "accessLogSettings" not in again, [now, again])


def copy():
    before = gateway.get_stage(restApiId=API, stageName=STAGE)
    now = gateway.update_stage(restApiId=API, stageName=STAGE, patchOperations=[
        {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
        {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"}])
    return unless(now["deploymentId"] == before["canarySettings"]["deploymentId"] and now["variables"]["backend"] == "green", now)


def unknown_path():
    try:
        patch(("replace", "/nonsense", "1"))
    except ClientError as e:
        return unless(e.response["Error"]["Code"] == "BadRequestException" and "Invalid" in str(e), str(e))
    return "it was taken"


def lambda_calls():
    alias = {"FunctionName": "orders-live", "Name": "live"}
    call("lambda get_alias", lambda: unless("RevisionId" in functions.get_alias(**alias), "no RevisionId"))
    call("lambda list_aliases", lambda: unless(functions.list_aliases(FunctionName="orders-live")["Aliases"], "none"))
    call("lambda get_function_configuration", lambda: unless(
        "CodeSha256" in functions.get_function_configuration(FunctionName="orders-live", Qualifier="live"), "no CodeSha256"))
    call("lambda publish_version", lambda: unless(functions.publish_version(FunctionName="orders-live")["Version"].isdigit(), "no number"))
    call("lambda get_provisioned_concurrency_config", concurrency)
    call("lambda invoke", lambda: functions.invoke(FunctionName="orders-live", Payload=b"{}") and None)


def concurrency():
    try:
        functions.get_provisioned_concurrency_config(FunctionName="orders-live", Qualifier="live")
    except functions.exceptions.ProvisionedConcurrencyConfigNotFoundException:
        return None
    return "it has one"


def ecs_calls():
    call("ecs describe_services", lambda: unless(
        services.describe_services(cluster="production", services=["web"])["services"][0]["status"] == "ACTIVE", "not active"))
    call("ecs describe_services, missing", lambda: unless(
        services.describe_services(cluster="production", services=["nobody"])["failures"][0]["reason"] == "MISSING", "not MISSING"))
    call("ecs describe_task_definition", lambda: unless(
        services.describe_task_definition(taskDefinition="task:1")["taskDefinition"]["revision"] == 1, "another revision"))
    call("ecs register_task_definition", lambda: unless(services.register_task_definition(
        family="task", containerDefinitions=[{"name": "web", "image": "registry.example.com/task:9.0"}])["taskDefinition"]["revision"] > 1, "no new revision"))


gateway_calls()
lambda_calls()
ecs_calls()
