/** `core update`: new limits for running containers, in force at once. */
import type { UpdateOptions } from '../../contracts/index.js';
import { CoreError } from '../../errors/index.js';
import { count, decimal, defineCommand, limit } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand<UpdateOptions>({
  define: (program) =>
    program
      .argument('<container...>')
      .option('-m, --memory <size>', 'bytes, or 256m, 1.5g')
      .option('--memory-reservation <size>', 'what it keeps when memory is short')
      .option('--memory-swap <size>', 'memory plus swap; -1: no limit')
      .option('--cpus <cores>', '0.5, 2', decimal)
      .option('--cpu-shares <weight>', 'relative to others', count)
      .option('--cpu-quota <us>', 'of each period', count)
      .option('--cpu-period <us>', 'length of a period', count)
      .option('--cpuset-cpus <list>', '0-3,7')
      .option('--cpuset-mems <list>', '0,1')
      .option('--pids <count>', 'processes and threads; -1: no limit', limit),
  run: (cli, names, limits) => {
    if (Object.keys(limits).length === 0) throw new CoreError('E_INVALID', { message: 'no limit was given', hint: 'core update --help' });
    return forEach(cli, names, (engine, container) => engine.containers.update({ container, limits }));
  },
});
