export { difference, leaksSince, report, snapshot, type Kind, type Leak, type Scope, type Snapshot } from './oracle.js';
export { allProcesses, ownProcesses, readProcess, type ProcessEntry } from './processes.js';
export { cgroups, mountEntries } from './kernel-objects.js';
