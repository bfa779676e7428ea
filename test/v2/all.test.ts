/** Everything that runs on the emulated machine whose only cgroups are v2. Comes in: nothing. Goes out: one process's worth of tests. Run by ava.v2.config.mjs there. */
import './groups.js';
import './late.js';
import '../e2e/options/limits.test.js';
import '../e2e/options/io.test.js';
import '../e2e/options/security.test.js';
import '../e2e/runtime-linux-devices.test.js';
