import { type Logger, pino } from 'pino'
import type { Log, LogFields } from './log.ts'

/** Lines on stderr: JSON for machines, or `text` for people. Levels are pino's. */
export function stderrLog(options: { readonly level: string; readonly format: 'json' | 'text' }, process: string): Log {
  if (options.format === 'text') return textLog(options.level, process)
  return wrap(pino({ level: options.level, base: { process } }, pino.destination({ dest: 2, sync: true })))
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(printable(fields), message),
    info: (message, fields) => logger.info(printable(fields), message),
    warn: (message, fields) => logger.warn(printable(fields), message),
    error: (message, fields) => logger.error(printable(fields), message),
    child: (fields) => wrap(logger.child(fields)),
  }
}

/** An Error has no enumerable fields: without this its reason would be lost. */
function printable(fields: LogFields = {}): LogFields {
  const shown: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) shown[key] = value instanceof Error ? reasons(value) : value
  return shown
}

/** The message of an error and of everything that caused it. */
function reasons(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.message === '' ? error.name : error.message
  return error.cause === undefined ? own : `${own}: ${reasons(error.cause)}`
}

const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

function textLog(level: string, process: string, bound: LogFields = {}): Log {
  const least = order.indexOf(level)
  const at =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}) => {
      if (order.indexOf(name) < least) return
      const words = Object.entries(printable({ ...bound, ...fields })).map(
        ([key, value]) => ` ${key}=${JSON.stringify(value)}`,
      )
      globalThis.process.stderr.write(`${new Date().toISOString()} ${name} ${process}: ${message}${words.join('')}\n`)
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => textLog(level, process, { ...bound, ...fields }),
  }
}
