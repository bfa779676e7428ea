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

test('every option of a container says what it is for', (t) => {
  const { $defs } = pluginSetJsonSchema() as { $defs: Record<string, { properties: Record<string, { description?: string }> }> };
  const properties = Object.entries({ ...$defs['Container']?.properties, ...$defs['NamedContainer']?.properties });
  t.true(properties.length > 50);
  t.deepEqual(properties.filter(([, { description }]) => !description).map(([name]) => name), []);
});
