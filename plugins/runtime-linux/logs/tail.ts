/** Where the last n lines of a rotated log begin. Called by `reader.ts`. */
import type { LogFile } from './files.js';

const CHUNK = 64 * 1024;
const NEWLINE = 0x0a;

export interface Position {
  /** Index into the files, the oldest first. */
  readonly file: number;
  readonly offset: number;
}

/** Reads backwards from the end, so the cost is that of the lines wanted. An unfinished last line counts as none. */
export async function tailPosition(files: readonly LogFile[], lines: number): Promise<Position> {
  if (files.length === 0) return { file: 0, offset: 0 };
  let missing = lines;
  for (let file = files.length - 1; file >= 0; file -= 1) {
    const found = await seekBack(files[file] as LogFile, missing);
    if (found.offset !== undefined) return { file, offset: found.offset };
    missing -= found.lines;
  }
  return { file: 0, offset: 0 };
}

/** The offset where the last `lines` lines begin, or how many lines the file has when those are fewer. */
async function seekBack({ handle }: LogFile, lines: number): Promise<{ readonly offset?: number; readonly lines: number }> {
  const buffer = Buffer.alloc(CHUNK);
  let end = (await handle.stat()).size;
  let newlines = 0;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      if (buffer[at] !== NEWLINE) continue;
      // The newline before the first wanted line is one more than the lines wanted.
      if (newlines === lines) return { offset: start + at + 1, lines };
      newlines += 1;
    }
    end = start;
  }
  return newlines >= lines && lines === 0 ? { offset: 0, lines } : { lines: newlines };
}
