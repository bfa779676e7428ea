/** libseccomp as the oracle: an OCI profile in, the program libseccomp makes of it out. Compiled at test time. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Oci } from '@core/core/plugin';

const SOURCE = `
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

/* default; arch NAME; rule ACTION SYSCALL COUNT [INDEX OP A B]... ; numbers as libseccomp has them */
int main(int argc, char **argv) {
	char word[64], name[64];
	unsigned long long number, a, b;
	unsigned count, index, op;
	scmp_filter_ctx ctx = NULL;
	if (argc > 1) {
		while (scanf("%63s", word) == 1) if (seccomp_syscall_resolve_name(word) != __NR_SCMP_ERROR) puts(word);
		return 0;
	}
	(void)argv;
	while (scanf("%63s", word) == 1) {
		if (word[0] == 'd') {
			if (scanf("%llu", &number) != 1) return 2;
			ctx = seccomp_init((uint32_t)number);
			if (!ctx || seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE)) return 3;
		} else if (word[0] == 'a') {
			if (scanf("%63s", name) != 1 || seccomp_arch_add(ctx, seccomp_arch_resolve_name(name))) return 4;
		} else {
			struct scmp_arg_cmp cmp[6];
			int nr;
			if (scanf("%llu %63s %u", &number, name, &count) != 3) return 5;
			for (unsigned i = 0; i < count; i++) {
				if (scanf("%u %u %llu %llu", &index, &op, &a, &b) != 4) return 6;
				cmp[i] = (struct scmp_arg_cmp){ index, (enum scmp_compare)op, a, b };
			}
			nr = seccomp_syscall_resolve_name(name);
			if (nr == __NR_SCMP_ERROR) continue;
			int rc = seccomp_rule_add_array(ctx, (uint32_t)number, nr, count, cmp);
			if (rc && rc != -17) { fprintf(stderr, "%s: %d\\n", name, rc); return 7; }
		}
	}
	return seccomp_export_bpf(ctx, 1) ? 8 : 0;
}
`;

const OPERATORS: Readonly<Record<Oci.SeccompOperator, number>> = {
  SCMP_CMP_NE: 1, SCMP_CMP_LT: 2, SCMP_CMP_LE: 3, SCMP_CMP_EQ: 4, SCMP_CMP_GE: 5, SCMP_CMP_GT: 6, SCMP_CMP_MASKED_EQ: 7,
};
const ARCHS: Readonly<Record<string, string>> = {
  SCMP_ARCH_X86_64: 'x86_64', SCMP_ARCH_X86: 'x86', SCMP_ARCH_X32: 'x32', SCMP_ARCH_AARCH64: 'aarch64', SCMP_ARCH_ARM: 'arm',
};

export interface Oracle {
  /** The profile without the system calls that are younger than the libseccomp installed. */
  restrict(profile: Oci.Seccomp): Oci.Seccomp;
  compile(profile: Oci.Seccomp): Uint8Array;
}

/** The oracle, or why there is none. `folder` is the caller's to remove. */
export function makeOracle(folder: string): Oracle | string {
  const source = join(folder, 'oracle.c');
  const binary = join(folder, 'oracle');
  writeFileSync(source, SOURCE);
  const compiled = spawnSync('cc', ['-o', binary, source, '-lseccomp'], { encoding: 'utf8' });
  if (compiled.error) return 'there is no C compiler';
  if (compiled.status !== 0) return 'libseccomp-dev is not installed';
  return {
    compile: (profile) => execFileSync(binary, { input: describe(profile), maxBuffer: 1 << 20 }),
    restrict: (profile) => {
      const names = (profile.syscalls ?? []).flatMap((rule) => rule.names);
      const known = new Set(execFileSync(binary, ['names'], { input: names.join('\n'), encoding: 'utf8' }).split('\n'));
      const rules = (profile.syscalls ?? []).map((rule) => ({ ...rule, names: rule.names.filter((name) => known.has(name)) }));
      return { ...profile, syscalls: rules };
    },
  };
}

function describe(profile: Oci.Seccomp): string {
  const lines = [`default ${action(profile.defaultAction, profile.defaultErrnoRet)}`];
  for (const arch of profile.architectures ?? []) lines.push(`arch ${ARCHS[arch]}`);
  for (const rule of profile.syscalls ?? []) {
    const args = rule.args ?? [];
    const words = args.map(({ index, op, value, valueTwo = 0 }) => `${index} ${OPERATORS[op]} ${value} ${valueTwo}`).join(' ');
    for (const name of rule.names) lines.push(`rule ${action(rule.action, rule.errnoRet)} ${name} ${args.length} ${words}`);
  }
  return lines.join('\n');
}

function action(name: Oci.SeccompAction, errno = 1): number {
  const values: Partial<Record<Oci.SeccompAction, number>> = {
    SCMP_ACT_KILL: 0, SCMP_ACT_KILL_THREAD: 0, SCMP_ACT_KILL_PROCESS: 0x80000000, SCMP_ACT_TRAP: 0x00030000,
    SCMP_ACT_LOG: 0x7ffc0000, SCMP_ACT_ALLOW: 0x7fff0000, SCMP_ACT_ERRNO: 0x00050000 | errno, SCMP_ACT_TRACE: 0x7ff00000 | errno,
  };
  return values[name] as number;
}
