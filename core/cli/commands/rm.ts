/** `core rm`: removes containers with all they had. */
import { defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand<{ readonly force?: boolean }>({
  define: (program) => program.argument('<container...>').option('-f, --force', 'also when it runs, or is not there'),
  run: (cli, names, { force = false }) => forEach(cli, names, (engine, container) => engine.containers.remove({ container, force })),
});
