/** The tests on a machine with cgroup v2 alone: in one process, because each costs half a minute of imports under emulation. */
export default {
  files: ['test/dist/v2/**/*.test.js'],
  concurrency: 1,
  serial: true,
  workerThreads: false,
  timeout: '300s',
};
