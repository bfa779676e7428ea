/**
 * The plugin set's schema for editors. Goes out: JSON Schema (draft 2020-12) of the file as people write it. Called by the
 * generator script and by the test that holds the shipped file to the code.
 */
import { z } from 'zod';
import { aboutOptions } from './about.js';
import { pluginSetSchema } from './plugin-set.js';

export function pluginSetJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(pluginSetSchema, { io: 'input', target: 'draft-2020-12', override: ({ jsonSchema }) => describeOptions(jsonSchema) });
  return { $schema, title: 'A plugin set of core', description: 'Which plugins make up an engine, and what it runs.', ...schema };
}

/** Whatever object has an image is a container. */
function describeOptions({ properties }: z.core.JSONSchema.BaseSchema): void {
  if (!properties || !('image' in properties)) return;
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property === 'object' && name in aboutOptions) property.description = aboutOptions[name as keyof typeof aboutOptions];
  }
}
