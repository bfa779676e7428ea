/** The seccomp profile of the OCI runtime specification (config-linux.md, "Seccomp") as a schema. Used by `container-options.ts`. */
import { z } from 'zod';
import { strict } from './values.js';

const action = z.enum([
  'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY',
]);
const operator = z.enum(['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']);
const errno = z.number().int().min(0).max(4095);
const word = z.number().int().min(0);

const condition = strict({ index: z.number().int().min(0).max(5), value: word, valueTwo: word.exactOptional(), op: operator });

const rule = strict({
  names: z.array(z.string().min(1)).min(1),
  action,
  errnoRet: errno.exactOptional(),
  args: z.array(condition).max(6).exactOptional(),
});

export const seccompProfile = strict({
  defaultAction: action,
  defaultErrnoRet: errno.exactOptional(),
  architectures: z.array(z.string().regex(/^SCMP_ARCH_[A-Z0-9_]+$/, 'an architecture is spelled SCMP_ARCH_...')).exactOptional(),
  flags: z.array(z.string().regex(/^SECCOMP_FILTER_FLAG_[A-Z_]+$/, 'a flag is spelled SECCOMP_FILTER_FLAG_...')).exactOptional(),
  listenerPath: z.string().exactOptional(),
  listenerMetadata: z.string().exactOptional(),
  syscalls: z.array(rule).exactOptional(),
});
