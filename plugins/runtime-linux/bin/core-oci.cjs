#!/usr/bin/env node
/**
 * The command `core-oci`. Comes in: argv. Goes out: the exit code. Started by engines, and required by `core oci` and by the build.
 *
 * An engine starts it several times per container, and most of what such a short program costs is being read and compiled. So it is one bundle
 * beside the code V8 made of it at build time; where that is missing, or another Node has made it, V8 compiles anew and all else is the same.
 */
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const bundle = join(__dirname, '..', 'dist', 'oci', 'core-oci.cjs');

/** `main`, and for whoever makes the compiled form `script` and `rehearsal`. */
function load() {
  // Latin-1: the bundle is ASCII, and V8 takes one byte a character as it is.
  const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(bundle, 'latin1')}\n})`;
  const script = new Script(source, { filename: bundle, cachedData: compiled() });
  const made = { exports: {} };
  script.runInThisContext()(made.exports, require, made, bundle, join(bundle, '..'));
  return { script, ...made.exports };
}

function compiled() {
  try {
    return readFileSync(`${bundle}.v8`);
  } catch {
    return undefined;
  }
}

module.exports = { load, bundle };

if (require.main === module) {
  load().main(process.argv).then((code) => {
    process.exitCode = code;
  });
}
