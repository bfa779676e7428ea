/** The escape catalogue, run as the other tests with real containers are: one file after another, each in a process of its own. */
import e2e from './ava.e2e.config.mjs';

export default { ...e2e, files: ['test/dist/escapes/**/*.test.js'] };
