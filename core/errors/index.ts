export { CoreError, toCoreError, isCoreError, type ErrorDetails, type ErrorIssue, type ErrorJson, type ErrorObject } from './error.js';
export { catalogue, type CatalogueEntry, type ErrorCode } from './codes.js';
