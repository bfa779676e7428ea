/**
 * Attacks that are one line of shell in a container. Comes in: the line, what a container needs to be weak enough, the output that means
 * success. Goes out: the attack's test. Called by the files of the catalogue.
 */
import type { ContainerOptions } from '@core/core/plugin';
import { escape, type Place } from './escape.js';
import { attackMount } from './programs.js';
import type { E2eNeeds } from '../../helpers/e2e.js';

export interface InsideAttack {
  readonly name: string;
  readonly cves?: readonly string[];
  /** `probe` is on the PATH, the attacker's own program is /attack/attack. */
  readonly line: string;
  /** What it prints when the attacker has got somewhere. */
  readonly success: RegExp;
  /** The protection that is taken out. */
  readonly weakened: Partial<ContainerOptions>;
  /** What users may well ask for; the defaults are always among it. */
  readonly also?: ReadonlyArray<Partial<ContainerOptions>>;
}

export function escapeInside({ name, cves = [], line, success, weakened, also = [] }: InsideAttack, needs: E2eNeeds = {}): void {
  const goes = async ({ stage, t }: Place, options: Partial<ContainerOptions>): Promise<boolean> => {
    const { out, err } = await stage.through({ ...options, mounts: [attackMount()] }, line);
    t.log(JSON.stringify(options), out, err);
    return success.test(out);
  };
  escape({
    name,
    cves,
    weakened: (at) => goes(at, weakened),
    async ours(at) {
      for (const options of [{}, ...also]) if (await goes(at, options)) return true;
      return false;
    },
  }, needs);
}
