/**
 * Runs the peers' commands and times them, in a mount namespace of its own. Comes in (over node's IPC channel): `{ id, argv, background, detached }`.
 * Goes out: `{ id, status, ms, stdout, stderr }`. Started by `peers.mjs`; ends when the channel closes.
 *
 * The clock runs from before the spawn to the exit notice, which is what a Node program pays for a runtime that is a command.
 */
import { spawn } from 'node:child_process';

// Node reads all certificates there at its start; an engine's service has no such variable, and a runtime no use for it.
delete process.env.NODE_EXTRA_CA_CERTS;

process.on('message', ({ id, argv, background, detached }) => {
  const began = process.hrtime.bigint();
  const child = spawn(argv[0], argv.slice(1), { stdio: detached ? 'ignore' : ['ignore', 'pipe', 'pipe'] });
  if (background) children.add(child);
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name]?.on('data', (data) => (out[name] = (out[name] + data).slice(-20_000)));
  let ms = 0;
  child.on('error', (error) => send({ id, status: 127, ms: 0, stdout: '', stderr: error.message }));
  child.on('exit', () => (ms = Number(process.hrtime.bigint() - began) / 1e6));
  child.on('close', (status) => {
    children.delete(child);
    send({ id, status, ms, ...out });
  });
});

/** Daemons end with us, by their own pid. */
const children = new Set();
process.on('disconnect', async () => {
  for (const child of [...children].toReversed()) {
    child.kill('SIGTERM');
    await Promise.race([new Promise((resolve) => child.once('close', resolve)), new Promise((resolve) => setTimeout(resolve, 10_000))]);
    child.kill('SIGKILL');
  }
  process.exit(0);
});

function send(message) {
  if (process.connected) process.send(message);
}
