/** `core inspect`: all that is known of containers, as JSON; the OCI spec as the runtime got it is part of it. */
import { defineCommand } from '../define.js';

export default defineCommand({
  define: (program) => program.argument('<container...>'),
  run: async (cli, names) => {
    const { containers } = await cli.engine();
    const details = await Promise.all(names.map((container) => containers.inspect({ container })));
    cli.out(`${JSON.stringify(details, null, 2)}\n`);
  },
});
