/**
 * Declares one attack. Comes in: its name, its CVEs, how it goes against something weakened, how against our defaults. Goes out: a
 * test that passes when the first succeeds, the second does not, and nothing is left behind. Called by the files of the catalogue.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Executor } from '../../e2e/executor/support.js';
import { e2e, type E2eNeeds } from '../../helpers/e2e.js';
import type { Stage } from '../../helpers/stage.js';

/** What an attack works with. */
export interface Place {
  readonly t: ExecutionContext;
  /** Containers as users make them. */
  readonly stage: Stage;
  /** A folder of the attack's own, gone after it. */
  readonly folder: string;
  /** An executor spoken to directly, for what no option can express. */
  executor(): Promise<Executor>;
}

/** Whether the attacker got what the attack is for. */
type Attempt = (at: Place) => Promise<boolean> | boolean;

export interface Attack {
  readonly name: string;
  readonly cves?: readonly string[];
  /** The protection taken out, or what a vulnerable runtime did in our place: if this fails, so would the test of nothing. */
  readonly weakened: Attempt;
  readonly ours: Attempt;
}

export function escape({ name, cves = [], weakened, ours }: Attack, needs: E2eNeeds = {}): void {
  const known = cves.map((number) => `CVE-${number}`).join(', ');
  e2e(`stopped: ${name}${known && ` (${known})`}`, async (t, stage) => {
    const place = new AttackPlace(t, stage);
    try {
      t.true(await weakened(place), 'the attack does not even succeed against the weakened configuration');
      t.false(await ours(place), 'the attack succeeds');
    } finally {
      await place.clear();
    }
  }, needs);
}

/** Rounds of a race: few by default, all of them in `npm run test:escapes`. */
export function rounds(few: number): number {
  return Number(process.env['ESCAPE_ROUNDS'] ?? few);
}

class AttackPlace implements Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'attack-'));
  #executor: Promise<Executor> | undefined;

  constructor(
    readonly t: ExecutionContext,
    readonly stage: Stage,
  ) {}

  executor(): Promise<Executor> {
    this.#executor ??= Executor.start(this.t);
    return this.#executor;
  }

  async clear(): Promise<void> {
    await (await this.#executor)?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
