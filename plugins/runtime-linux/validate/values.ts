/** Small questions about values. Called by all of `validate/`. */

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number from 0 up that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function isU32(value: unknown): value is number {
  return isCount(value) && value <= 0xffffffff;
}

/** Text that can be handed to the kernel: no zero byte. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}
