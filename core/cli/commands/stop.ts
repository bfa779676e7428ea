/** `core stop`: the stop signal, then SIGKILL for those that do not heed it. */
import { decimal, defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand<{ readonly time?: number }>({
  define: (program) => program.argument('<container...>').option('-t, --time <seconds>', "between the signal and SIGKILL (default: the container's own)", decimal),
  run: (cli, names, { time }) => forEach(cli, names, (engine, container) => engine.containers.stop({ container, timeout: time })),
});
