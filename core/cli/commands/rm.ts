/** `core rm`: removes containers with all they had. */
import { isCoreError } from '../../errors/index.js';
import { defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand<{ readonly force?: boolean }>({
  define: (program) => program.argument('<container...>').option('-f, --force', 'also when it runs, or is not there'),
  run: (cli, names, { force = false }) =>
    forEach(cli, names, async (engine, container) => {
      try {
        await engine.containers.remove({ container, force });
      } catch (error) {
        if (!(force && isCoreError(error, 'E_NOT_FOUND'))) throw error;
      }
    }),
});
