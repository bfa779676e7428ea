/**
 * `layers@1` over the executor. Comes in: requests of whoever brings images. Goes out: trees, made and removed by the executor's confined workers. Called by `driver.ts`.
 */
import { CoreError, toCoreError, type CallOptions, type Layers, type UnpackedLayer, type UnpackRequest } from '@core/core/plugin';
import type { Executor } from './executor.js';
import { StepError } from './link/failure.js';
import { MORE_IDS } from './rootless/settings.js';

export interface LayersOptions {
  /** What belongs to an id that is not mapped becomes root's: with a single id nearly everything. */
  readonly squash: boolean;
}

export function createLayers(executor: Executor, { squash }: LayersOptions): Layers {
  return Object.freeze<Layers>({
    unpack: (request, call = {}) => unpack(executor, { ...request, ...(squash && { squash }) }, call),
    remove: async ({ paths }) => {
      if (paths.length > 0) await executor.request('rmtree', { paths }).catch(rethrow);
    },
  });
}

async function unpack(executor: Executor, request: UnpackRequest, { signal, onProgress }: CallOptions): Promise<UnpackedLayer> {
  if (signal?.aborted) throw aborted(signal.reason);
  const connection = await executor.connection();
  let sequence = 0;
  const cancel = (): void => void connection.request('cancel', { seq: sequence }).catch(() => {});
  try {
    const result = await connection.request('unpack', present(request), {
      onSent: (seq) => {
        sequence = seq;
        signal?.addEventListener('abort', cancel, { once: true });
      },
      onItem: (item) => {
        const { bytes, total } = item as { bytes: number; total: number };
        onProgress?.({ id: request.diffId ?? request.path, phase: 'unpack', current: bytes, total, unit: 'bytes' });
      },
    });
    return result as UnpackedLayer;
  } catch (thrown) {
    return rethrow(thrown);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Without what was left out: C knows no `undefined`. */
function present(request: UnpackRequest): Record<string, unknown> {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

/** What C says of an archive is EBADMSG or EFBIG, of an owner without an id here EDOM; all else is the machine's. */
function rethrow(thrown: unknown): never {
  if (!(thrown instanceof StepError)) throw toCoreError(thrown);
  const { errno, failure } = thrown;
  if (errno === 'ECANCELED') throw aborted(thrown);
  if (errno === 'EDOM') throw new CoreError('E_UNSUPPORTED', { message: failure.message, hint: MORE_IDS, step: failure.step, cause: thrown });
  const faulty = errno === 'EBADMSG' || errno === 'EFBIG';
  throw new CoreError(faulty ? 'E_IMAGE' : 'E_IO', { message: faulty ? failure.message : `${failure.message} (${errno})`, errno, step: failure.step, cause: thrown });
}

function aborted(cause: unknown): CoreError {
  return new CoreError('E_ABORTED', { message: 'the unpacking was aborted', cause });
}
