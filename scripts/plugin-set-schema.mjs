#!/usr/bin/env node
/** Writes core/plugin-set.schema.json from the code. Run it after a change to core/config; a test tells when it was forgotten. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pluginSetJsonSchema } from '../core/dist/config/json-schema.js';

const file = join(import.meta.dirname, '..', 'core', 'plugin-set.schema.json');
writeFileSync(file, `${JSON.stringify(pluginSetJsonSchema(), null, 2)}\n`);
