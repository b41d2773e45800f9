// GitHub's own package for artifacts: an artifact from its upload to its deletion.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { calls } from './calls.mjs';

const { DefaultArtifactClient } = await import(pathToFileURL(path.join(process.env.CLIENTS_MODULES, 'node_modules/@actions/artifact/lib/artifact.js')));
process.stdout.write = () => true; // the package tells what it does
console.log = (line) => fs.writeSync(1, line + '\n');

const call = calls();
const client = new DefaultArtifactClient();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'artifact-'));
const file = path.join(dir, 'state.json');
fs.writeFileSync(file, '{"generation": 1}');
let id;
await call('uploadArtifact', async () => {
  ({ id } = await client.uploadArtifact('sluice-state', [file], dir, { retentionDays: 1 }));
  return !id && 'no id';
});
await call('listArtifacts', async () => {
  const { artifacts } = await client.listArtifacts();
  return artifacts.map((a) => a.name).join() !== 'sluice-state' && JSON.stringify(artifacts);
});
await call('getArtifact', async () => {
  const { artifact } = await client.getArtifact('sluice-state');
  return artifact.id !== id && JSON.stringify(artifact);
});
await call('downloadArtifact', async () => {
  const { downloadPath } = await client.downloadArtifact(id, { path: path.join(dir, 'down') });
  return fs.readFileSync(path.join(downloadPath, 'state.json'), 'utf8') !== '{"generation": 1}' && 'another content';
});
await call('deleteArtifact', async () => {
  await client.deleteArtifact('sluice-state');
  const { artifacts } = await client.listArtifacts();
  return artifacts.length !== 0 && JSON.stringify(artifacts);
});
fs.rmSync(dir, { recursive: true });
