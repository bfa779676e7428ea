/** The tests of an ordinary user's kernels, and those of the SDK as such a user. `node_modules` need not be that user's, so nothing is cached in it. */
export default {
  files: ['test/dist/rootless/**/*.test.js', 'test/dist/e2e/sdk/*.test.js'],
  concurrency: 1,
  serial: true,
  workerThreads: false,
  cache: false,
  timeout: '60s',
};
