// Tells apart what will pass by itself from what will fail again: by SQLSTATE class and connection errors.
import { Fault } from './result.ts'

/** A failure of the event itself that no retry mends: the consumer parks the event. */
export class RepeatableFailure extends Error {
  override readonly name = 'RepeatableFailure'
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''

/**
 * SQLSTATE classes that say nothing about the statement: connection (08), rollback and deadlock (40), resources (53),
 * object state and lock timeout (55), operator intervention (57), system (58), internal (XX), and 25P03, which ends a
 * session that idled in a transaction. Source: PostgreSQL, appendix A.
 */
const passingState = /^(?:08|40|53|55|57|58|XX)...$|^25P0[34]$/
const lostConnection = /^(?:ECONN|EPIPE|ENOENT|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|ENOSPC|EMFILE|ENFILE)/
/** How the driver and the pool begin what they say without a code. Words amid a text are a handler's own. */
const poolWords =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client (?:has encountered a connection error|was closed)|Postgres connection has been discarded)/

/** True when the same thing tried again may well succeed. */
export const isTransient = (error: unknown): boolean => {
  if (error instanceof Fault) return error.kind !== 'internal'
  const code = codeOf(error)
  if (passingState.test(code) || lostConnection.test(code)) return true
  return code === '' && error instanceof Error && poolWords.test(error.message)
}

/**
 * True when the system is not as the statement expects it: a feature (0A), a prepared statement (26), a right (28), a
 * database or schema (3D, 3F), a table or column (42) is missing. No failure of an event; somebody must mend it.
 */
export const isOfTheSystem = (error: unknown): boolean => /^(?:0A|26|28|3D|3F|42)...$/.test(codeOf(error))

/** True when the data itself is refused: SQLSTATE 22 (data exception), 23 (constraint), or a declared failure. */
export const isRepeatable = (error: unknown): boolean =>
  error instanceof RepeatableFailure || /^2[23]...$/.test(codeOf(error))

/** What should have been new is there already. */
export const isDuplicate = (error: unknown): boolean => codeOf(error) === '23505'

export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03'

/** What went wrong in one line, causes included, as the database can keep it. */
export const describeError = (error: unknown): string => describe(error).replaceAll('\0', '')

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = codeOf(error)
  const own = `${error.name}${code ? ` ${code}` : ''}: ${error.message}`
  return error.cause === undefined ? own : `${own} <- ${describe(error.cause)}`
}
