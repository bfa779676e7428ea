export { bounded, isThenable, type Bound } from './bounded.js';
export { Gate } from './gate.js';
export { LinkedSignal } from './signal.js';
export { Deadlines, Waiting } from './deadlines.js';
