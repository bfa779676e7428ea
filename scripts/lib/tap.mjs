/** Reads ava's TAP. Comes in: its output, in pieces. Goes out: the lines worth showing (failures with their story, skips), and the counts. Called by test.mjs. */
const MAX_STORY = 60;

export class TapReader {
  counts = { passed: 0, failed: 0, skipped: 0 };
  #rest = '';
  /** Lines of a failure's story that may still be shown; 0 outside of one. */
  #left = 0;
  #all;

  /** `all`: what passed is worth a line as well. */
  constructor({ all = false } = {}) {
    this.#all = all;
  }

  /** The lines to show, of those this piece completes. */
  read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    const result = /^(not )?ok \d+ - (.*)$/.exec(line);
    if (!result) return this.#left > 0 && line.startsWith('  ') && this.#left-- ? [line] : [];
    const [, failed, title] = result;
    const skip = /^(.*?) # (SKIP|TODO)/.exec(title);
    this.#left = failed && !skip ? MAX_STORY : 0;
    if (skip) {
      this.counts.skipped++;
      return [`skipped ${skip[1]}`];
    }
    this.counts[failed ? 'failed' : 'passed']++;
    if (failed) return [`FAILED ${title}`];
    return this.#all ? [title] : [];
  }
}
