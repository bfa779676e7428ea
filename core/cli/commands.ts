/** The commands there are, each in a file of its own that is loaded when it is called: `core ps` pays for `ps` alone. Read by `main.ts`, help and completion. */
import type { CliCommand } from './define.js';

export interface Entry {
  readonly summary: string;
  readonly group: 'Run' | 'Containers' | 'Images' | 'Kernel' | 'Help';
  /** What completion offers after the name. */
  readonly completes?: 'containers' | 'images' | 'files' | undefined;
  load(): Promise<{ readonly default: CliCommand }>;
}

export const commands: Readonly<Record<string, Entry>> = {
  run: { summary: 'Boot a plugin set, run its containers or a script', group: 'Run', completes: 'files', load: () => import('./run.js') },
  ps: { summary: 'List containers', group: 'Containers', load: () => import('./commands/ps.js') },
  logs: { summary: 'Show what containers wrote', group: 'Containers', completes: 'containers', load: () => import('./commands/logs.js') },
  exec: { summary: 'Run a command in a running container', group: 'Containers', completes: 'containers', load: () => import('./commands/exec.js') },
  attach: { summary: 'Connect to stdin and stdout of a container', group: 'Containers', completes: 'containers', load: () => import('./commands/attach.js') },
  stop: { summary: 'Ask containers to end, then kill them', group: 'Containers', completes: 'containers', load: () => import('./commands/stop.js') },
  kill: { summary: 'Send a signal to containers', group: 'Containers', completes: 'containers', load: () => import('./commands/kill.js') },
  rm: { summary: 'Remove containers', group: 'Containers', completes: 'containers', load: () => import('./commands/rm.js') },
  pause: { summary: 'Freeze containers', group: 'Containers', completes: 'containers', load: () => import('./commands/pause.js') },
  resume: { summary: 'Let frozen containers go on', group: 'Containers', completes: 'containers', load: () => import('./commands/resume.js') },
  update: { summary: 'Change the limits of running containers', group: 'Containers', completes: 'containers', load: () => import('./commands/update.js') },
  stats: { summary: 'Show what containers use', group: 'Containers', completes: 'containers', load: () => import('./commands/stats.js') },
  inspect: { summary: 'Show all that is known of containers', group: 'Containers', completes: 'containers', load: () => import('./commands/inspect.js') },
  images: { summary: 'List stored images', group: 'Images', load: () => import('./commands/images.js') },
  rmi: { summary: 'Remove images', group: 'Images', completes: 'images', load: () => import('./commands/rmi.js') },
  plan: { summary: 'Print the order in which a plugin set boots, and why', group: 'Kernel', completes: 'files', load: () => import('./commands/plan.js') },
  hooks: { summary: 'Print the lifecycles with the live taps', group: 'Kernel', load: () => import('./commands/hooks.js') },
  plugins: { summary: 'List the plugins of the running kernel', group: 'Kernel', load: () => import('./commands/plugins.js') },
  doctor: { summary: 'Check what this machine can do, and how to mend what it cannot', group: 'Kernel', load: () => import('./commands/doctor.js') },
  oci: { summary: 'Be an OCI runtime for podman, containerd and others', group: 'Kernel', load: () => import('./commands/oci.js') },
  completion: { summary: 'Print the completion script of a shell', group: 'Help', load: () => import('./commands/completion.js') },
  version: { summary: 'Print the version', group: 'Help', load: () => import('./commands/version.js') },
};
