// What the kernel needs from outside. Adapters implement these; tests decorate them.
import type { Transaction } from 'kysely'
import type { Actor } from './contract.ts'
import type { Outcome } from './result.ts'
import type { EventBatch } from './stream.ts'

/** An open transaction on one service's schema. Statements are written with kysely's `sql` tag. */
export type Tx = Transaction<unknown>

export interface TransactionOptions {
  /** Refuses to commit after this moment (milliseconds of `performance.now()`), and bounds every statement before it. */
  readonly deadlineMs?: number
  /** Writes nothing, and sees in all its statements what had been committed when the first one began. */
  readonly readOnly?: boolean
}

/** One service's schema on some PostgreSQL server. */
export interface Database {
  readonly schema: string
  /**
   * Runs `work` in one transaction. `name` says which step this is, in logs, metrics and faults of tests.
   * Throws what `work` threw after rolling back, `Fault('deadline')` when the time ran out before the commit,
   * `Fault('outcome_unknown')` when the connection was lost while committing.
   */
  transaction<T>(name: string, work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>
  close(): Promise<void>
}

/** The fast path of events. It may lose, repeat and reorder; numbers and positions make up for it. */
export interface Bus {
  publish(batch: EventBatch): Promise<void>
  /** `reader` names the consumer; `deliver` must not throw and returns at once. Returns how to end the subscription. */
  subscribe(stream: string, reader: string, deliver: (batch: EventBatch) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** One call of one method of one service, by name. */
export interface Call {
  readonly service: string
  readonly method: string
  readonly input: unknown
  readonly actor: Actor
  readonly requestId: string
  /** `performance.now()` at which the caller stops waiting. */
  readonly deadlineMs: number
  readonly idempotencyKey?: string
}

/** Carries calls to services. Throws `Fault`; everything expected, bad input included, is an outcome. */
export interface Transport {
  call(call: Call): Promise<Outcome<unknown>>
}

export interface Clock {
  /** Business time of this transaction: read once from the database's clock, unless a test says otherwise. */
  now(tx: Tx): Promise<Date>
}

export interface Random {
  /** A uniform integer, both ends included. */
  integer(from: number, to: number): number
  uuid(): string
}

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

export interface SignedIn {
  readonly token: string
  readonly expiresAt: Date
}

/** Credentials and sessions, known to us only by the person's number. E-mail addresses are compared in lower case. */
export interface SignIn {
  /** Creates or replaces the credentials of a person, who takes the address over from whoever had it. Repeatable. */
  setPassword(subject: number, email: string, password: string): Promise<void>
  /** Null when e-mail or password is wrong. */
  signIn(email: string, password: string): Promise<SignedIn | null>
  /** Whose session this is, or null. */
  subject(token: string): Promise<number | null>
  signOut(token: string): Promise<void>
  endSessions(subject: number): Promise<void>
}
