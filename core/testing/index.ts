export { conformance, inProcess, overIpc, type ConformanceCase, type Make, type Reached, type Subject } from './conformance.js';
export { imageConformance, type ImageSubject } from './image.js';
export { runtimeConformance, type RequestOptions, type RuntimeSubject } from './runtime.js';
