// What an operator can mend is said in one line each; anything else is a bug and shows where.
import { EmbeddedError } from './adapters/database/embedded.ts'
import { ConfigError } from './config.ts'
import { describeError, isOfTheSystem, isTransient } from './kernel/failure.ts'
import { Fault } from './kernel/result.ts'
import { SchemaError } from './kernel/schema-level.ts'
import { StopError } from './stopping.ts'

/** A command line that says nothing that could be done. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The message says it all. */
const plain = [EmbeddedError, SchemaError, StopError, UsageError]

/** `doing` is what passing troubles keep from happening, as in `cannot start yet`. */
export const linesOf = (error: unknown, doing: string): readonly string[] => {
  if (error instanceof ConfigError) return error.lines
  if (error instanceof Error && plain.some((kind) => error instanceof kind)) return [error.message]
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
    return [error.message]
  // Whoever asked for it asks again.
  if (isTransient(error)) return [`cannot ${doing} yet: ${describeError(error)}`]
  if (isOfTheSystem(error)) return [`cannot ${doing}, a database lacks something: ${describeError(error)}`]
  if (error instanceof Fault) return [error.cause === undefined ? error.message : describeError(error)]
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}
