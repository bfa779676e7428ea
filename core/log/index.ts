export { createLogger, prettyLines, silentLogger, type LogFields, type LogLevel, type LogRecord, type Logger, type LoggerOptions } from './logger.js';
