/** Values of flags: texts come in, numbers go out. Called by `program.ts`, `more-commands.ts`, `launch.ts` and `exec.ts`. */
import { InvalidArgumentError } from 'commander';

export function count(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError('must be a number');
  return Number(text);
}

/** `5`, `5s`, `1m`. */
export function seconds(text: string): number {
  const [, number, unit = 's'] = /^([0-9]{1,6})([sm]?)$/.exec(text) ?? [];
  if (number === undefined || Number(number) === 0) throw new InvalidArgumentError('must be a time such as 5s');
  return Number(number) * (unit === 'm' ? 60 : 1);
}

/** A socket-activated caller's descriptors are the container's; LISTEN_PID is the one who was meant. */
export function listenFds(env: NodeJS.ProcessEnv = process.env): number {
  const { LISTEN_FDS = '0', LISTEN_PID } = env;
  if (!/^[0-9]{1,3}$/.test(LISTEN_FDS)) return 0;
  return LISTEN_PID === undefined || LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) : 0;
}

/** From 3 on: those first, then the ones the caller counts. */
export function inheritedFds(preserved: number): number {
  return listenFds() + preserved;
}
