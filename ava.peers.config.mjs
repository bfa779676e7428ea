/** The tests in which other engines drive `core-oci`: run as the other tests with real containers are, one file after another. */
import e2e from './ava.e2e.config.mjs';

export default { ...e2e, files: ['test/dist/peers/**/*.test.js'] };
