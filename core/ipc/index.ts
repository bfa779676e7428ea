export { createLink, type Link, type LinkOptions, type Peer } from './link.js';
export { exported, type Export } from './incoming.js';
export { dial, type DialOptions } from './dial.js';
export { serve, type LinkServer, type ServeOptions } from './serve.js';
export { makePort, type Invoke } from './port.js';
export { DEFAULT_LIMITS, PROTOCOL_VERSION, type Identity, type Limits } from './protocol.js';
export { linkToParent, spawnChild, type Child, type ChildExit, type ChildOptions } from './child.js';
