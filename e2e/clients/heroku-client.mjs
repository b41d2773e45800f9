// Heroku's client for Node.js: a promotion, its targets, and a release that is rolled back.
import { createRequire } from 'node:module';
import { calls, until } from './calls.mjs';

const require = createRequire(process.env.CLIENTS_MODULES + '/');
const Heroku = require('heroku-client');
const heroku = new Heroku({ token: process.env.HEROKU_API_KEY, host: process.env.HEROKU_HOST });

const call = calls();
let apps, pipeline, couplings, promotion;
await call('GET /account', async () => !(await heroku.get('/account')).email && 'no email');
await call('GET /apps', async () => {
  apps = await heroku.get('/apps');
  return apps.length < 2 && `${apps.length} apps`;
});
const named = (name) => apps.find((a) => a.name === name);
await call('GET /pipelines', async () => {
  [pipeline] = await heroku.get('/pipelines');
  return !pipeline && 'no pipeline';
});
await call('GET /pipelines/{id}/pipeline-couplings', async () => {
  couplings = await heroku.get(`/pipelines/${pipeline.id}/pipeline-couplings`);
  return couplings.length < 2 && `${couplings.length} couplings`;
});
await call('POST /pipeline-promotions', async () => {
  promotion = await heroku.post('/pipeline-promotions', {
    body: {
      pipeline: { id: pipeline.id },
      source: { app: { id: named('shop-staging').id } },
      targets: [{ app: { id: named('shop').id } }],
    },
  });
  return promotion.status !== 'pending' && `status ${promotion.status}`;
});
await call('GET /pipeline-promotions/{id}, alone', async () => {
  const ended = await until(() => heroku.get(`/pipeline-promotions/${promotion.id}`), (p) => p.status !== 'pending');
  return ended.status !== 'completed' && `it ended ${ended.status}`;
});
await call('GET …/promotion-targets', async () => {
  const [target] = await heroku.get(`/pipeline-promotions/${promotion.id}/promotion-targets`);
  return target?.status !== 'succeeded' && `status ${target?.status}`;
});
await call('GET /apps/{app}/releases', async () => {
  const releases = await heroku.get('/apps/shop/releases', { headers: { Range: 'version ..; order=desc,max=5' } });
  const [first] = releases;
  return (first?.current !== true || typeof first?.eligible_for_rollback !== 'boolean') && JSON.stringify(first);
});
await call('POST /apps/{app}/releases (rollback)', async () => {
  const [, before] = await heroku.get('/apps/shop/releases', { headers: { Range: 'version ..; order=desc,max=5' } });
  const made = await heroku.post('/apps/shop/releases', { body: { release: before.id } });
  return !/^Rollback to v/.test(made.description) && made.description;
});
await call('GET /apps/{app}/dynos', async () => void (await heroku.get('/apps/shop/dynos')));
