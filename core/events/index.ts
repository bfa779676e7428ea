export { createEventBus, type EventBus, type EventBusOptions, type EventSource, type PublishedEvent, type SubscribeOptions } from './bus.js';
