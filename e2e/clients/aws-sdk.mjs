// The AWS SDK for JavaScript: a canary of a stage in API Gateway, of an alias in Lambda, and a service of ECS.
import { createRequire } from 'node:module';
import { calls } from './calls.mjs';

const require = createRequire(process.env.CLIENTS_MODULES + '/');
const gateway = require('@aws-sdk/client-api-gateway');
const lambda = require('@aws-sdk/client-lambda');
const ecs = require('@aws-sdk/client-ecs');

const call = calls();
const once = { maxAttempts: 1 };
const api = new gateway.APIGatewayClient({ ...once, endpoint: process.env.AWS_ENDPOINT_URL_API_GATEWAY });
const stage = { restApiId: 'a1b2c3d4e5', stageName: 'prod' };
const patch = (...patchOperations) => api.send(new gateway.UpdateStageCommand({ ...stage, patchOperations }));
let deployment, canary;
await call('api-gateway GetRestApis', async () => (await api.send(new gateway.GetRestApisCommand({}))).items.length !== 1 && 'not one API');
await call('api-gateway GetStage', async () => {
  ({ deploymentId: deployment } = await api.send(new gateway.GetStageCommand(stage)));
  return !deployment && 'no deployment';
});
await call('api-gateway CreateDeployment with a canary', async () => {
  canary = (await api.send(new gateway.CreateDeploymentCommand({ ...stage, canarySettings: { percentTraffic: 10 } }))).id;
  const now = await api.send(new gateway.GetStageCommand(stage));
  return (now.deploymentId !== deployment || now.canarySettings?.deploymentId !== canary) && JSON.stringify(now);
});
await call('api-gateway UpdateStage, promote', async () => {
  const now = await patch(
    { op: 'replace', path: '/deploymentId', value: canary },
    { op: 'replace', path: '/canarySettings/percentTraffic', value: '0.0' },
  );
  return (now.deploymentId !== canary || now.canarySettings?.percentTraffic !== 0) && JSON.stringify(now);
});
await call('api-gateway UpdateStage, remove', async () => {
  const now = await patch({ op: 'remove', path: '/canarySettings' });
  return now.canarySettings && JSON.stringify(now);
});

const functions = new lambda.LambdaClient({ ...once, endpoint: process.env.AWS_ENDPOINT_URL_LAMBDA });
const alias = { FunctionName: 'orders-live', Name: 'live' };
let live, version;
await call('lambda GetAlias', async () => {
  live = await functions.send(new lambda.GetAliasCommand(alias));
  return !live.RevisionId && JSON.stringify(live);
});
await call('lambda ListVersionsByFunction', async () => {
  const { Versions } = await functions.send(new lambda.ListVersionsByFunctionCommand({ FunctionName: alias.FunctionName }));
  version = Versions.map((v) => v.Version).find((v) => v !== '$LATEST' && v !== live.FunctionVersion);
  return Versions.length < 2 && JSON.stringify(Versions);
});
await call('lambda UpdateAlias with weights', async () => {
  const now = await functions.send(new lambda.UpdateAliasCommand({ ...alias, RevisionId: live.RevisionId, RoutingConfig: { AdditionalVersionWeights: { [version]: 0.1 } } }));
  return now.RoutingConfig?.AdditionalVersionWeights?.[version] !== 0.1 && JSON.stringify(now);
});
await call('lambda UpdateAlias with an old RevisionId', async () => {
  try {
    await functions.send(new lambda.UpdateAliasCommand({ ...alias, RevisionId: live.RevisionId, FunctionVersion: version }));
  } catch (e) {
    return e.name !== 'PreconditionFailedException' && e.name;
  }
  return 'it was taken';
});
await call('lambda UpdateAlias without weights', async () => {
  const now = await functions.send(new lambda.UpdateAliasCommand({ ...alias, RoutingConfig: { AdditionalVersionWeights: {} } }));
  return now.RoutingConfig && JSON.stringify(now);
});

const services = new ecs.ECSClient({ ...once, endpoint: process.env.AWS_ENDPOINT_URL_ECS });
await call('ecs DescribeServices', async () => {
  const { services: [service] } = await services.send(new ecs.DescribeServicesCommand({ cluster: 'production', services: ['web'] }));
  return service?.status !== 'ACTIVE' && JSON.stringify(service);
});
let serviceDeployment;
await call('ecs UpdateService', async () => {
  const { service } = await services.send(new ecs.UpdateServiceCommand({ cluster: 'production', service: 'web', taskDefinition: 'task:2' }));
  return !service.taskDefinition.endsWith('task:2') && JSON.stringify(service);
});
await call('ecs ListServiceDeployments', async () => {
  const { serviceDeployments } = await services.send(new ecs.ListServiceDeploymentsCommand({ cluster: 'production', service: 'web' }));
  [serviceDeployment] = serviceDeployments;
  return !serviceDeployment && 'none';
});
await call('ecs DescribeServiceDeployments', async () => {
  const { serviceDeployments: [one] } = await services.send(new ecs.DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [serviceDeployment.serviceDeploymentArn] }));
  return !/^(PENDING|IN_PROGRESS|SUCCESSFUL)$/.test(one?.status) && JSON.stringify(one);
});
await call('ecs ListClusters', async () => void (await services.send(new ecs.ListClustersCommand({}))));
