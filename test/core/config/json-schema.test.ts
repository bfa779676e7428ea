import { readFileSync } from 'node:fs';
import test from 'ava';
import { pluginSetJsonSchema } from '#core/config/json-schema.js';
import { VERSION } from '#core/version.js';

const packageFile = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../../../core/${path}`, import.meta.url), 'utf8'));

test('the shipped JSON Schema is the one of the code (else: node scripts/plugin-set-schema.mjs)', (t) => {
  t.deepEqual(packageFile('plugin-set.schema.json'), JSON.parse(JSON.stringify(pluginSetJsonSchema())));
});

test('the version is the package\'s', (t) => {
  t.is((packageFile('package.json') as { version: string }).version, VERSION);
});
