export { type ReturnToken, looksReturned, readReturnLocalPart, returnLocalPart } from './token.ts'
