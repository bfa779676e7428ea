/** The tests with real namespaces: one after another, each file in a process of its own, because they look at the whole machine. */
export default {
  files: ['test/dist/e2e/**/*.test.js'],
  concurrency: 1,
  serial: true,
  workerThreads: false,
  timeout: '180s',
};
