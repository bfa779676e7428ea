/** Comes in: the chunks of a command as they arrive. Goes out: what of them is kept for its `Output`. Used by `execution.ts`. */
import type { Chunk } from './output.js';

const TAIL = 64 * 1024;

export interface Collector {
  readonly chunks: readonly Chunk[];
  readonly truncated: boolean;
  /** False when more than `limit` bytes are kept: the command is to be ended. */
  add(chunk: Chunk): boolean;
  /** From now on only the last 64 KiB of stdout are kept: somebody else takes it. */
  keepTail(): void;
}

export function createCollector(limit: number): Collector {
  let chunks: Chunk[] = [];
  let truncated = false;
  let tailOnly = false;
  const size = { stdout: 0, stderr: 0 };

  /** Only when twice as much is there as is kept, so that the cost per chunk stays small. */
  function trim(): void {
    truncated = true;
    chunks = chunks.filter(({ stream, data }) => {
      if (stream === 'stderr' || size.stdout - data.length < TAIL) return true;
      size.stdout -= data.length;
      return false;
    });
  }

  return {
    get chunks() {
      return chunks;
    },
    get truncated() {
      return truncated;
    },
    add(chunk) {
      chunks.push(chunk);
      size[chunk.stream] += chunk.data.length;
      if (tailOnly && size.stdout > 2 * TAIL) trim();
      return size.stdout + size.stderr <= limit;
    },
    keepTail() {
      tailOnly = true;
    },
  };
}
