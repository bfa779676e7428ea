/** New containers' ids. Goes out: 64 hexadecimal digits, 256 random bits, as docker and podman make them. Called by `create.ts`. */
import { randomFillSync } from 'node:crypto';

const BYTES = 32;

/** One read of the random source is enough for many ids, and costs as much as one for a single id. */
const pool = Buffer.alloc(64 * BYTES);
let used = pool.length;

export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('hex', used, used + BYTES);
  used += BYTES;
  return id;
}
