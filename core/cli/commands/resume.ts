/** `core resume`: lets frozen containers go on. */
import { defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand({
  define: (program) => program.argument('<container...>'),
  run: (cli, names) => forEach(cli, names, (engine, container) => engine.containers.resume({ container })),
});
