// Holds `sluice schema` against ajv, the validator that most editors' language servers
// are measured by: node e2e/schema.mjs SCHEMA FILE… with ajv and yaml beside it in
// node_modules. Files in a folder called err must be refused, all others taken.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';

const from = createRequire(process.cwd() + '/');
const Ajv = from('ajv/dist/2020').default;
const YAML = from('yaml');
const [schema, ...files] = process.argv.slice(2);
const validate = new Ajv({ strict: false, allErrors: false }).compile(JSON.parse(readFileSync(schema, 'utf8')));
// read is undefined where the file is no YAML at all.
const read = (file) => {
  try {
    return YAML.parse(readFileSync(file, 'utf8'), { merge: true, maxAliasCount: -1 });
  } catch {
    return undefined;
  }
};
let failed = 0;
for (const file of files) {
  const wanted = basename(dirname(file)) !== 'err';
  const taken = read(file) !== undefined && validate(read(file));
  if (taken === wanted) continue;
  failed++;
  console.error(`${file}: ${taken ? 'taken' : JSON.stringify(validate.errors?.[0])}`);
}
console.log(`${files.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
