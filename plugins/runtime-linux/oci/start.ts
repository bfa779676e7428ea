/** `core-oci start`: lets a created container go, and waits until its command executes. Called by `program.ts`. */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { StepError } from '../link/failure.js';
import { destroy } from './delete.js';
import { noProcess, OciFailure, startFailure } from './failure.js';
import type { Globals } from './globals.js';
import { GO, load, publicState, RESULT, statusOf, type Container } from './state.js';

export async function start(globals: Globals, id: string): Promise<void> {
  const container = load(globals.root, id);
  const status = statusOf(container);
  if (status === 'stopped') throw new OciFailure('cannot start a container that has stopped');
  if (status === 'creating') throw new OciFailure('cannot start a container that is still being created');
  if (status !== 'created') throw already();
  const { args = [] } = container.record.config.process ?? {};
  if (args.length === 0) throw noProcess();
  const failure = await letGo(container);
  if (failure) throw startFailure(failure, args[0] ?? '');
  await afterStart(globals, container);
}

/** A hook that fails ends the container, of which nothing stays. */
export async function afterStart(globals: Globals, container: Container): Promise<void> {
  const { record } = container;
  if (!record.config.hooks?.poststart?.length) return;
  const { runHooks } = await import('./hooks.js');
  try {
    await runHooks(record.config, 'poststart', publicState(record, 'running'));
  } catch (thrown) {
    await destroy(globals, container);
    throw thrown;
  }
}

/** Who takes the fifo's name away is the one who starts it. */
async function letGo({ folder }: Container): Promise<StepError | undefined> {
  const result = openResult(join(folder, RESULT));
  const answer = readFailure(result);
  const go = openGo(join(folder, GO));
  takeName(join(folder, GO));
  writeSync(go, '.');
  closeSync(go);
  const failure = await answer;
  unlinkSync(join(folder, RESULT));
  return failure;
}

const already = (): OciFailure => new OciFailure('cannot start an already running container');

/** Of two that start it at the same time one comes too late for either name. */
function takeName(path: string): void {
  try {
    unlinkSync(path);
  } catch (thrown) {
    throw (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? already() : thrown;
  }
}

function openResult(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? already() : thrown;
  }
}

function openGo(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    // ENXIO: nobody waits there any more.
    if (['ENOENT', 'ENXIO'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw new OciFailure('cannot start a container that has stopped');
    throw thrown;
  }
}

/** The other end closes when the command executes; what comes before is the reason why it does not. */
async function readFailure(fd: number): Promise<StepError | undefined> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
  return chunks.length === 0 ? undefined : decode(Buffer.concat(chunks));
}

/** The codec is loaded for bad news alone. */
async function decode(bytes: Buffer): Promise<StepError | undefined> {
  const [{ FrameReader }, { StepError }] = await Promise.all([import('../link/frames.js'), import('../link/failure.js')]);
  let failure: StepError | undefined;
  new FrameReader().push(bytes, ([, , body]) => (failure = new StepError(body)));
  return failure;
}
