export { type Fields, firstOf, readFields } from './fields.ts'
export { type ReadMessage, asText, readMessage } from './parts.ts'
export { type ReturnedMessage, bareValues, holdsReturned, returnedIn } from './returned.ts'
