/** The tests on kernels that lack something, run as the other tests with real containers are; and those others, which their tier runs on such kernels too. */
import e2e from './ava.e2e.config.mjs';

export default { ...e2e, files: ['test/dist/fallbacks/**/*.test.js', ...e2e.files] };
