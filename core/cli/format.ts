/** Comes in: numbers as the contracts have them. Goes out: short texts for people. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5MiB`: powers of 1024, at most three digits. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))}${BYTE_UNITS[unit] ?? ''}`;
}

const STEPS: ReadonlyArray<readonly [seconds: number, unit: string]> = [
  [86_400 * 365, 'y'],
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
];

/** `45s`, `3m`, `2h`, `5d`: the largest unit that fits. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const step = STEPS.find(([length]) => seconds >= length);
  return step ? `${Math.floor(seconds / step[0])}${step[1]}` : `${seconds}s`;
}

/** Digests without their algorithm, ids cut to the 12 digits people use. */
export function shortId(id: string): string {
  const digits = id.replace(/^sha256:/, '');
  return /^[0-9a-f]{64}$/.test(digits) ? digits.slice(0, 12) : digits;
}

/** `length` characters, the last being `…` when something is cut. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** Names, labels and commands come from images and users: no control character of theirs reaches the terminal. Colours are ours. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/\x1b(?!\[\d*m)|[\x00-\x1a\x1c-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
