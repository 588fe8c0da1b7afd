import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP']

/**
 * Runs a child in our own process group and passes on the signals that we get, so that whoever
 * supervises us need not know there are two processes. Resolves to the exit code to leave with and
 * to the last signal passed on, if any.
 */
export const runChild = (command, args, options, onSpawn = () => {}) =>
  new Promise((resolve, reject) => {
    let passedOn
    const child = spawn(command, args, options)
    const forward = (signal) => {
      passedOn = signal
      child.kill(signal)
    }
    const settle = (finish, value) => {
      for (const signal of FORWARDED) process.off(signal, forward)
      finish(value)
    }
    for (const signal of FORWARDED) process.on(signal, forward)
    child.once('spawn', () => onSpawn(child.pid))
    child.once('error', (error) => settle(reject, error))
    child.once('exit', (code, signal) => settle(resolve, { code: code ?? exitCodeOf(signal), passedOn }))
  })

/** What a shell reports for a process that a signal ended. */
export const exitCodeOf = (signal) => 128 + constants.signals[signal]
