/** Signal names in, numbers out, and back. Called by `signal`, exits and execs. */
import { constants } from 'node:os';
import { CoreError } from '@core/core/plugin';

const numbers = new Map(Object.entries(constants.signals).map(([name, number]) => [name, Number(number)]));
// The first name of a number wins: SIGABRT, not SIGIOT.
const names = new Map<number, string>();
for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name);

const FIRST_REALTIME = 34;
const LAST = 64;

/** `SIGTERM`, `term`, `15`, `SIGRTMIN+3`. Throws E_INVALID. */
export function signalNumber(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const realtime = /^SIGRT(MIN|MAX)(?:([+-])([0-9]+))?$/.exec(name);
  const found = /^[0-9]+$/.test(text) ? Number(text) : realtime ? realtimeNumber(realtime) : numbers.get(name);
  if (found === undefined || found < 1 || found > LAST) {
    throw new CoreError('E_INVALID', { message: `no signal is called ${JSON.stringify(text)}`, issues: [{ path: 'signal', message: 'is a name such as SIGTERM, or a number' }] });
  }
  return found;
}

export function signalName(number: number): string {
  return names.get(number) ?? (number >= FIRST_REALTIME ? `SIGRTMIN+${number - FIRST_REALTIME}` : `SIG${number}`);
}

function realtimeNumber([, base, sign, offset = '0']: RegExpExecArray): number {
  const distance = Number(offset) * (sign === '-' ? -1 : 1);
  return (base === 'MIN' ? FIRST_REALTIME : LAST) + distance;
}
