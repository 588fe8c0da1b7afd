export { looksReturned, readReturnLocalPart, returnLocalPart } from './token.ts'
