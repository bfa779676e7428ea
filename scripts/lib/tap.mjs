/** Reads ava's TAP. Comes in: its output, in pieces. Goes out: the lines worth showing (failures with their story, skips), and the counts. Called by test.mjs. */
export class TapReader {
  counts = { passed: 0, failed: 0, skipped: 0 };
  #rest = '';
  #inFailure = false;

  /** The lines to show, of those this piece completes. */
  read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    const result = /^(not )?ok \d+ - (.*)$/.exec(line);
    if (!result) return this.#inFailure && line.startsWith('  ') ? [line] : [];
    const [, failed, title] = result;
    const skip = /^(.*?) # (SKIP|TODO)/.exec(title);
    this.#inFailure = Boolean(failed) && !skip;
    if (skip) {
      this.counts.skipped++;
      return [`skipped ${skip[1]}`];
    }
    this.counts[failed ? 'failed' : 'passed']++;
    return failed ? [`FAILED ${title}`] : [];
  }
}
