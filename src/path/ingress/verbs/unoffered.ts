import { type State, type Step, refuse } from '../step.ts'

/** BDAT without CHUNKING: its octets may follow unasked, and must never be read as commands. */
export function bdat(state: State): Step {
  return refuse(state, 502, '5.5.1', 'CHUNKING is not offered', 'close')
}

/** Another protocol, such as a browser that was made to post mail commands: nothing it says next is heard. */
export function foreign(state: State): Step {
  return refuse(state, 421, '4.7.0', 'this is a mail server', 'close')
}
