// A log that remembers what it was told.
import { describeError } from '../../kernel/failure.ts'
import type { Log } from '../../kernel/ports.ts'

/** A log that remembers what it was told, as text. */
export const rememberingLog = () => {
  const lines: string[] = []
  const shown = (_key: string, value: unknown): unknown => (value instanceof Error ? describeError(value) : value)
  const keep = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields, shown)}`)
  const log: Log = { debug: () => undefined, info: keep, warn: keep, error: keep, child: () => log }
  return { log, lines }
}
