// entrecode's own SDK: an app, its platforms, builds and deployments, and a deployment of its own.
import { createRequire } from 'node:module';
import { calls, until } from './calls.mjs';

const require = createRequire(process.env.CLIENTS_MODULES + '/');
const { Apps } = require('ec.sdk');
const traverson = require('traverson');

const apps = new Apps('develop');
apps[Symbol.for('traversal')] = traverson.from(process.env.ENTRECODE_APPSERVER_URL).jsonHal(); // its addresses are written down in it

const call = calls();
let app, platform, build, made;
await call('setToken', () => void apps.setToken(process.env.ENTRECODE_ACCESS_TOKEN));
await call('app', async () => {
  app = await apps.app('1');
  return app.appID !== '1' && `appID ${app.appID}`;
});
await call('appList', async () => {
  const list = await apps.appList();
  return list.getAllItems().length < 1 && 'no app';
});
await call('platformList', async () => {
  const list = await app.platformList();
  return list.getAllItems().length < 1 && 'no platform';
});
await call('platform', async () => {
  platform = await app.platform('2');
  return platform.platformID !== '2' && `platformID ${platform.platformID}`;
});
await call('getTargets', () => !platform.getTargets().includes('4') && `targets ${platform.getTargets()}`);
await call('loadTargets', async () => (await platform.loadTargets()).getAllItems().length < 2 && 'fewer than two targets');
await call('buildList', async () => {
  const list = await platform.buildList();
  build = list.getAllItems().find((b) => b.successful === 'success');
  return !build && 'no build that succeeded';
});
await call('build', async () => {
  const one = await platform.build(build.buildID);
  return String(one.buildID) !== String(build.buildID) && `buildID ${one.buildID}`;
});
await call('latestBuild', async () => !(await platform.latestBuild()).buildID && 'no id');
await call('deploymentList', async () => (await platform.deploymentList()).getAllItems().length < 1 && 'no deployment');
await call('latestDeployment', async () => !(await platform.latestDeployment()).deploymentID && 'no id');
await call('createDeployment', async () => {
  made = await platform.createDeployment(['4'], build, 'by the SDK');
  return !made.deploymentID && 'no id';
});
await call('deployment', async () => {
  const ended = await until(() => platform.deployment(made.deploymentID), (d) => d.successful !== 'running');
  return ended.successful !== 'success' && `it ended ${ended.successful}`;
});
await call('deployLatestBuild', async () => !(await platform.deployLatestBuild(['4'])).deploymentID && 'no id');
await call('stats', async () => void (await apps.stats('1')));
await call('types', async () => void (await apps.types()));
