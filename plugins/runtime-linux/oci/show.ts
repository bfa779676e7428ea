/** `core-oci state`: the specification's state, and where the root is. Called by `program.ts`. */
import type { Globals } from './globals.js';
import { printJson } from './print.js';
import { load, publicState, statusOf } from './state.js';

export function showState({ root }: Globals, id: string): void {
  const container = load(root, id);
  const { record } = container;
  const status = statusOf(container);
  printJson({ ...publicState(record, status), pid: status === 'stopped' ? 0 : record.pid, rootfs: record.rootfs, created: record.created, owner: '' });
}
