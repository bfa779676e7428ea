/** Comes in: the events of a process. Goes out: its bytes on our stdout and stderr, at the pace of who reads them, and its exit code. Used by exec, attach and run. */
import { CoreError } from '../errors/index.js';
import type { ProcessEvent } from '../contracts/index.js';

/** Resolves once the stream takes more. */
export function write(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  if (stream.write(data)) return Promise.resolve();
  return new Promise((resolve) => stream.once('drain', resolve));
}

export interface Forwarding {
  /** One object per event instead of the bytes. */
  readonly json: boolean;
  readonly onStarted?: ((execId: string) => void) | undefined;
}

/** Throws `E_PROTOCOL` when the events end without an exit. */
export async function forward(events: AsyncIterable<ProcessEvent>, { json, onStarted }: Forwarding): Promise<number> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  for await (const event of events) {
    if (event.type === 'started') onStarted?.(event.execId);
    const hasData = event.type === 'stdout' || event.type === 'stderr';
    if (json) {
      const shown = hasData ? { type: event.type, data: decoders[event.type].decode(event.data, { stream: true }) } : event;
      await write(process.stdout, `${JSON.stringify(shown)}\n`);
    } else if (hasData) await write(process[event.type], event.data);
    if (event.type === 'exit') return event.exitCode;
  }
  throw new CoreError('E_PROTOCOL', { message: 'the output ended without an exit code' });
}
