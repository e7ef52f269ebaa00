// JSON log lines on standard error (pino). Secrets never reach them: only named fields are logged.
import { pino, stdSerializers } from 'pino'
import type { Log } from '../kernel/ports.ts'

export const jsonLog = (level: string): Log =>
  pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: stdSerializers.errWithCause },
    },
    pino.destination({ dest: 2, sync: true }),
  )
