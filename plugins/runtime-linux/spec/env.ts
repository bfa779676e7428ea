/** Environments as lists of NAME=VALUE. Called by the spec builder and for execs. */

/** `over` wins over `base`; each name appears once, where it first stood. */
export function mergeEnv(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...over]) merged.set(nameOf(entry), entry);
  return [...merged.values()];
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
}
