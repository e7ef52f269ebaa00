// JSON log lines on standard error (pino). Secrets never reach them: only named fields are logged.
import { pino } from 'pino'
import type { Log } from '../kernel/ports.ts'

/** What helps to find the fault. Drivers hang whole connections on their errors, which are left out. */
const errorFields = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return { name, message, code, stack, ...(cause === undefined ? {} : { cause: errorFields(cause) }) }
}

export const jsonLog = (level: string): Log =>
  pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: errorFields },
    },
    pino.destination({ dest: 2, sync: true }),
  )
