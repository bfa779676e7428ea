/**
 * The hooks of the machine's side at a restore, which belong between the making of the namespaces and their filling. Comes in: the
 * container. Goes out: a script that CRIU calls at its steps; and what the script calls in turn. Called by `restore.ts` and `../criu-commands.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciConfig } from '../config.js';
import { OciFailure } from '../failure.js';
import type { Globals } from '../globals.js';
import { runHooks } from '../hooks.js';
import { COMMAND } from '../places.js';
import { load, publicState } from '../state.js';

export interface Restored {
  readonly folder: string;
  readonly id: string;
  readonly config: OciConfig;
  /** Of the state. */
  readonly root: string;
}

/** `undefined` when there is nothing to run. */
export function hookScript({ folder, id, config, root }: Restored): string | undefined {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length + createRuntime.length === 0) return undefined;
  const path = join(folder, 'criu-action');
  const words = [process.execPath, COMMAND, '--root', root, 'restore-hooks', id].map(quoted).join(' ');
  writeFileSync(path, `#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" = setup-namespaces ] || exit 0\nexec ${words}\n`, { mode: 0o700 });
  return path;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** CRIU says in the environment which process has the namespaces. */
export async function restoreHooks({ root }: Globals, id: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { record } = load(root, id);
  const pid = Number(env['CRTOOLS_INIT_PID']);
  if (!(pid > 0)) throw new OciFailure('restore-hooks is for CRIU to call');
  const state = publicState({ ...record, pid }, 'creating');
  await runHooks(record.config, 'prestart', state);
  await runHooks(record.config, 'createRuntime', state);
}
