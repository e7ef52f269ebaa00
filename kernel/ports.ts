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
  /** The caller's place in a trace, if it has one. */
  readonly trace?: string | undefined
}

/** Carries calls to services. Throws `Fault`; everything expected, bad input included, is an outcome. */
export interface Transport {
  call(call: Call): Promise<Outcome<unknown>>
}

export interface SpanOptions {
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly attributes?: Readonly<Record<string, string | number>>
  /** The place that this continues, when it is not the one of what runs now. */
  readonly from?: string | null | undefined
  /** `performance.now()` at which it began, when that was before this call. */
  readonly sinceMs?: number
}

/** Something to do, and how to say more about it while it runs. */
export type Traced<T> = (note: (attributes: Readonly<Record<string, string | number>>) => void) => Promise<T>

/**
 * Tells where time goes from a click to its last effect, wherever that is. A place in a trace is a W3C `traceparent`,
 * null where nothing is traced; it travels with calls, events and jobs. All of these run the work once and give what it
 * gave.
 */
export interface Tracing {
  /** The place of what runs now. */
  place(): string | null
  /** Work that begins a trace. */
  root<T>(name: string, options: SpanOptions, work: Traced<T>): Promise<T>
  /** Work that is part of what runs now, or of what `from` names; without either it is not recorded. */
  span<T>(name: string, options: SpanOptions, work: Traced<T>): Promise<T>
  /** Work that is part of several traces at once, such as a batch. A bounded number of them are told. */
  shared<T>(
    name: string,
    places: readonly (string | null | undefined)[],
    options: SpanOptions,
    work: Traced<T>,
  ): Promise<T>
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

/** Where a request came from, as far as web can know. */
export interface Client {
  readonly address: string
  /** What the browser calls itself. */
  readonly userAgent: string
}

/** Credentials and sessions, known to us only by the person's number. E-mail addresses are compared in lower case. */
export interface SignIn {
  /** Creates or replaces the credentials of a person, who takes the address over from whoever had it. Repeatable. */
  setPassword(subject: number, email: string, password: string): Promise<void>
  /** Null when e-mail or password is wrong. */
  signIn(email: string, password: string, client?: Client): Promise<SignedIn | null>
  /** Whose session this is, or null. */
  subject(token: string): Promise<number | null>
  signOut(token: string): Promise<void>
  endSessions(subject: number): Promise<void>
}

/** What is to be said to people outside. `id` is the same in every try, so that a receiver can tell a repetition. */
export interface Message {
  readonly id: string
  /** When it came to be said. */
  readonly at: Date
  readonly subject: string
  readonly text: string
  /** The same for programs. */
  readonly body: Readonly<Record<string, unknown>>
}

/** A way to people outside, such as e-mail. It throws unless the message was taken for certain. */
export interface Channel {
  readonly name: string
  send(message: Message): Promise<void>
}

export interface HeldSession {
  /** Names the session without opening it, unlike its token. */
  readonly id: string
  readonly createdAt: Date
  /** To the day: uses are noted at most once a day. */
  readonly usedAt: Date
  readonly expiresAt: Date
  readonly client: Client
  /** True for the session that asks. */
  readonly current: boolean
}

/** The sessions of one person, for their owner to look at. */
export interface Sessions {
  /** Those that have not ended, newest first; `token` is the one that asks. */
  list(subject: number, token: string): Promise<HeldSession[]>
  /** False when this person has no such session. */
  end(subject: number, id: string): Promise<boolean>
}

/** Counts attempts to sign in, for all replicas together. */
export interface Throttle {
  /** Counts one more attempt. Milliseconds until the next one is allowed, 0 when this one is. */
  enter(email: string, address: string): Promise<number>
  /** The attempt was not a guess. */
  succeeded(email: string, address: string): Promise<void>
}
