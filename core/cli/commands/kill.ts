/** `core kill`: a signal to the first process of containers, or to all of them. */
import { defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand<{ readonly signal?: string; readonly all?: boolean }>({
  define: (program) => program.argument('<container...>').option('-s, --signal <name>', 'SIGTERM, HUP, 9... (default: SIGKILL)').option('-a, --all', 'to every process inside'),
  run: (cli, names, { signal, all }) => forEach(cli, names, (engine, container) => engine.containers.kill({ container, signal, all })),
});
