/** `core rmi`: drops names of images, and images with their last name. */
import { defineCommand } from '../define.js';
import { forEach } from '../each.js';

export default defineCommand({
  define: (program) => program.argument('<image...>'),
  run: (cli, names) => forEach(cli, names, (engine, reference) => engine.images.remove({ reference })),
});
