/** Open files of this process. Comes in: nothing. Goes out: what its fds lead to, counted. Called by the oracle. */
import { watch } from 'node:fs';
import { openFiles } from './namespaces.js';
import type { Things } from './oracle.js';

// libuv keeps one inotify instance from the first watched file to the end of the process: it is there before we look.
watch(import.meta.dirname).close();

export function handles(): Things {
  const found = new Map<string, string>();
  for (const target of openFiles(process.pid)) {
    if (target === `/proc/${process.pid}/fd`) continue; // the one that reads the list
    let name = target;
    for (let nth = 2; found.has(name); nth++) name = `${target} (${nth})`;
    found.set(name, '');
  }
  return found;
}
