// A service as a value: its contract with a handler for each method, what it consumes, its jobs and its tables.
import type { RawBuilder } from 'kysely'
import type { z } from 'zod'
import type { Caller } from './caller.ts'
import type { Actor, AnyContract, EventData, EventType, Input, Method, RefusalCode } from './contract.ts'
import type { Lease } from './lease.ts'
import type { Loop } from './loop.ts'
import type { Migrations } from './migrations.ts'
import type { Emit } from './outbox.ts'
import type { Clock, Database, Log, Random, Tx } from './ports.ts'
import type { Outcome } from './result.ts'

/** What a handler may use. There is no client in it: a remote call inside a transaction cannot be written. */
export interface Context {
  readonly tx: Tx
  readonly actor: Actor
  readonly now: Date
  readonly random: Random
  readonly emit: Emit
  readonly requestId: string
  /** The call's place in a trace; null when it is not traced. */
  readonly trace: string | null
}

export type Handler<M extends Method> = (
  input: Input<M>,
  context: Context,
) => Promise<Outcome<z.input<M['output']>, RefusalCode<M>>>

/** What a question that others must answer may use. There is no transaction in it: nothing is locked while they are asked. */
export interface AskContext {
  /** Waits no longer than whoever asked does. */
  readonly call: Caller
  readonly actor: Actor
  readonly requestId: string
}

/** Answers a query by asking other services. */
export type Ask<M extends Method> = (
  input: Input<M>,
  context: AskContext,
) => Promise<Outcome<z.input<M['output']>, RefusalCode<M>>>

/** For each method its handler, or how others are asked. */
export type Handlers<C extends AnyContract> = {
  readonly [Key in keyof C as C[Key] extends Method ? Key : never]: C[Key] extends Method
    ? Handler<C[Key]> | { readonly ask: Ask<C[Key]> }
    : never
}

/** An event as a consumer sees it, typed by its declaration. */
export type Delivered<E extends EventType = EventType> = E extends EventType
  ? {
      readonly type: E['name']
      /** In another epoch the same number is another event. */
      readonly epoch: number
      readonly number: number
      readonly eventId: string
      readonly at: Date
      readonly requestId: string
      readonly actor: number | null
      readonly data: EventData<E>
    }
  : never

export interface ConsumerContext {
  readonly tx: Tx
  readonly now: Date
  readonly random: Random
  readonly emit: Emit
  readonly stream: string
  /** Number of the last event applied before these; these come right after it, or are a late retry of older ones. */
  readonly applied: number
  /** The epoch of `applied`, and of all events but late ones and those of a replay. */
  readonly epoch: number
  /** True when this is a retry of what should have come earlier. */
  readonly late: boolean
  /** True while the consumer is replayed into shadow tables: facts must be read, not made. */
  readonly replaying: boolean
  /** A table of derived data: the live one, or its shadow while the consumer is replayed beside it. */
  readonly derived: (table: string) => RawBuilder<unknown>
}

export interface Subscription {
  readonly name: string
  readonly types: readonly EventType[]
  readonly apply: (events: readonly Delivered[], context: ConsumerContext) => Promise<void>
}

/** A named reaction to one or several types of events, which it gets together, in number order, as sets. */
export const on = <const Types extends readonly EventType[]>(
  name: string,
  types: Types,
  apply: (events: readonly Delivered<Types[number]>[], context: ConsumerContext) => Promise<void>,
): Subscription => ({ name, types, apply: apply as Subscription['apply'] })

/** A type of events, and the fields of its data that a consumer's tables keep. */
export interface EffectType {
  readonly type: string
  readonly fields: readonly string[]
}

/** How to tell from a consumer's tables which events it has applied, so that they can be compared with the log. */
export interface Effects {
  readonly types: readonly EffectType[]
  /**
   * A query of the events with numbers above `after`, up to `upTo`, as the tables tell them: `number`, `event_id`,
   * `type`, and `data` (jsonb) with the fields of its type.
   */
  readonly told: (after: RawBuilder<unknown>, upTo: RawBuilder<unknown>) => RawBuilder<unknown>
}

export interface Consumer {
  readonly name: string
  /** The producer whose stream this reads. */
  readonly stream: string
  readonly subscriptions: readonly Subscription[]
  /** Tables in the service's schema that hold nothing but what these events say; a replay rebuilds them. */
  readonly derived: readonly string[]
  /** Where each event leaves a trace of its own. */
  readonly effects?: Effects
  /** How it goes on when a person has accepted another history of the stream. Without it, nobody can accept one. */
  readonly otherHistory?: OtherHistory
}

/**
 * After the producer's database was restored, its log begins as before and goes on otherwise. A consumer either knows
 * what it has applied and goes on after the last event that both histories have, or forgets all and begins at the first.
 */
export type OtherHistory = KnowsApplied | BeginsAnew

export interface KnowsApplied {
  readonly goesOn: 'after what is known'
  /** Numbers of those events that have left their effects. */
  readonly known: (tx: Tx, stream: string, events: readonly NamedEvent[]) => Promise<readonly number[]>
  /** Copies what events left that are in no log any more, from the live tables to those of a replay. */
  readonly keepLost: (context: Pick<ConsumerContext, 'tx' | 'stream' | 'derived'>) => Promise<void>
}

export interface BeginsAnew {
  readonly goesOn: 'from the beginning'
  /** Lets go of what the earlier history said, in the transaction in which the other one is accepted. */
  readonly forget: (tx: Tx) => Promise<void>
}

export interface NamedEvent {
  readonly number: number
  readonly eventId: string
}

/** What a job found out or did in one step. `progress` is stored with the step's changes. */
export type Step<Progress> =
  | { readonly state: 'running' | 'done'; readonly progress: Progress }
  | { readonly state: 'waiting'; readonly progress: Progress; readonly reason: string }

export interface JobContext<Progress> {
  readonly tx: Tx
  readonly now: Date
  readonly random: Random
  readonly emit: Emit
  /** Null on the first step. */
  readonly progress: Progress | null
}

/** Long work, done in steps of one transaction each. */
export interface Job<Progress = unknown> {
  readonly name: string
  step(context: JobContext<Progress>): Promise<Step<Progress>>
}

/** What a loop of a service works with: it may call others, but not while it holds a transaction. */
export interface LoopContext {
  readonly database: Database
  readonly call: Caller
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Whose turn it is among replicas. It saves work; that two at once do no harm is the loop's own business. */
  readonly turn: Pick<Lease, 'held'>
}

/** Makes what runs beside a service's consumers and jobs, for as long as its process does. */
export type Loops = (context: LoopContext) => readonly Loop[]

export interface Service<C extends AnyContract = AnyContract> {
  readonly name: string
  /** Name of its schema and of its database role's suffix. */
  readonly schema: string
  readonly contract: C
  readonly handlers: Handlers<C>
  readonly consumers: readonly Consumer[]
  readonly jobs: readonly Job[]
  readonly loops: Loops
  readonly migrations: Migrations
}

type Spec<C extends AnyContract> = Pick<Service<C>, 'name' | 'contract' | 'handlers' | 'migrations'> &
  Partial<Pick<Service<C>, 'consumers' | 'jobs' | 'loops'>>

export const defineService = <C extends AnyContract>(spec: Spec<C>): Service<C> =>
  Object.freeze({ consumers: [], jobs: [], loops: () => [], ...spec, schema: spec.name.replaceAll('-', '_') })
