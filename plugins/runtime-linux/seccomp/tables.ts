/** Architectures and their system call numbers: OCI names in, numbers out. Called by the seccomp compiler and the profile. */
import { aarch64 } from './tables/aarch64.js';
import { arm } from './tables/arm.js';
import { x32 } from './tables/x32.js';
import { x86 } from './tables/x86.js';
import { x86_64 } from './tables/x86_64.js';

export interface Arch {
  /** As in OCI profiles. */
  readonly name: string;
  /** AUDIT_ARCH_* of `seccomp_data.arch`. */
  readonly audit: number;
  /** 32: arguments are compared in their low half only, as registers hold no more. */
  readonly bits: 32 | 64;
  /** Added to every number (x32 shares x86_64's AUDIT_ARCH and is told apart by this bit). */
  readonly base: number;
  readonly syscalls: ReadonlyMap<string, number>;
}

export const X32_BIT = 0x40000000;

const AUDIT_X86_64 = 0xc000003e;

const definitions: Record<string, { audit: number; bits: 32 | 64; base: number; table: string }> = {
  SCMP_ARCH_X86_64: { audit: AUDIT_X86_64, bits: 64, base: 0, table: x86_64 },
  SCMP_ARCH_X86: { audit: 0x40000003, bits: 32, base: 0, table: x86 },
  SCMP_ARCH_X32: { audit: AUDIT_X86_64, bits: 32, base: X32_BIT, table: x32 },
  SCMP_ARCH_AARCH64: { audit: 0xc00000b7, bits: 64, base: 0, table: aarch64 },
  SCMP_ARCH_ARM: { audit: 0x40000028, bits: 32, base: 0, table: arm },
};

const parsed = new Map<string, Arch>();

/** `undefined` for an architecture this compiler has no table of. Tables are parsed at first use. */
export function arch(name: string): Arch | undefined {
  const known = parsed.get(name);
  if (known) return known;
  const definition = definitions[name];
  if (!definition) return undefined;
  const { table, ...rest } = definition;
  const fresh: Arch = { name, ...rest, syscalls: parse(table, rest.base) };
  parsed.set(name, fresh);
  return fresh;
}

export const knownArchitectures: readonly string[] = Object.keys(definitions);

/** The OCI name of the machine's own architecture. */
export function nativeArch(machine: string = process.arch): string {
  return machine === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64';
}

function parse(table: string, base: number): Map<string, number> {
  return new Map(
    table.trim().split(/\s+/).map((entry): [string, number] => {
      const [name = '', number = ''] = entry.split('=');
      return [name, Number(number) + base];
    }),
  );
}
