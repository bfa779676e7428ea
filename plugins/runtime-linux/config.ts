/** The plugin's options in a plugin set. Comes in: what the user wrote. Goes out: the same with every default filled in. */
import { join } from 'node:path';
import { z } from 'zod';

/** Where `npm install` puts the binary, seen from the compiled file. */
const BUILT = join(import.meta.dirname, '..', 'executor', 'build', 'core-executor');

export const config = z.strictObject({
  executor: z.string().startsWith('/').default(BUILT).describe('Path of the executor binary.'),
  cgroupParent: z
    .string()
    .regex(/^(\/[A-Za-z0-9_.-]+)+$/)
    .default('/core')
    .describe('The cgroup above all containers; each root has a group of its own below it.'),
  userns: z
    .strictObject({
      first: z.int().min(1).max(0xffff_ffff).default(100_000).describe('First id outside.'),
      size: z.int().min(1).max(0xffff_ffff).default(65_536).describe('How many ids.'),
    })
    .prefault({})
    .describe('Ids of a private user namespace that names none.'),
  rootless: z
    .strictObject({
      ids: z.enum(['auto', 'single']).default('auto').describe('auto: the ranges of /etc/subuid and /etc/subgid, where newuidmap and newgidmap are installed. single: only the user himself.'),
      limits: z.enum(['warn', 'refuse']).default('warn').describe('What becomes of a limit whose cgroup controller is not delegated to the user.'),
      network: z.enum(['auto', 'pasta', 'slirp4netns', 'none']).default('auto').describe('The program behind `network: "user"`. auto: pasta, else slirp4netns. none: loopback alone.'),
    })
    .prefault({})
    .describe('For kernels of users other than root.'),
});

export type Config = z.output<typeof config>;
