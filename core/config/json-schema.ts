/** The plugin set's schema for editors. Goes out: JSON Schema (draft 2020-12) of the file as people write it. Called by the generator script and by the test that holds the shipped file to the code. */
import { z } from 'zod';
import { pluginSetSchema } from './plugin-set.js';

export function pluginSetJsonSchema(): object {
  const schema = z.toJSONSchema(pluginSetSchema, { io: 'input', target: 'draft-2020-12', reused: 'inline' });
  return { $schema: schema.$schema, title: 'A plugin set of core', description: 'Which plugins make up an engine, and what it runs.', ...schema };
}
