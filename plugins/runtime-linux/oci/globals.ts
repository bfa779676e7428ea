/** Options that stand before every command. Made by `program.ts`, handed to every command. */
import type { LogTarget } from './log.js';

export interface Globals extends LogTarget {
  /** Where the containers' folders are. */
  readonly root: string;
  readonly systemdCgroup: boolean;
}
