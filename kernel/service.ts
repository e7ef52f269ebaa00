// A service as a value: its contract with a handler for each method, what it consumes, its jobs and its tables.
import type { RawBuilder } from 'kysely'
import type { z } from 'zod'
import type { Actor, AnyContract, EventData, EventType, Input, Method, RefusalCode } from './contract.ts'
import type { Migrations } from './migrations.ts'
import type { Emit } from './outbox.ts'
import type { Random, Tx } from './ports.ts'
import type { Outcome } from './result.ts'

/** What a handler may use. There is no client in it: a remote call inside a transaction cannot be written. */
export interface Context {
  readonly tx: Tx
  readonly actor: Actor
  readonly now: Date
  readonly random: Random
  readonly emit: Emit
  readonly requestId: string
}

export type Handler<M extends Method> = (
  input: Input<M>,
  context: Context,
) => Promise<Outcome<z.input<M['output']>, RefusalCode<M>>>

export type Handlers<C extends AnyContract> = {
  readonly [Key in keyof C as C[Key] extends Method ? Key : never]: C[Key] extends Method ? Handler<C[Key]> : never
}

/** An event as a consumer sees it, typed by its declaration. */
export type Delivered<E extends EventType = EventType> = E extends EventType
  ? {
      readonly type: E['name']
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

export interface Consumer {
  readonly name: string
  /** The producer whose stream this reads. */
  readonly stream: string
  readonly subscriptions: readonly Subscription[]
  /** Tables in the service's schema that hold nothing but what these events say; a replay rebuilds them. */
  readonly derived: readonly string[]
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

export interface Service<C extends AnyContract = AnyContract> {
  readonly name: string
  /** Name of its schema and of its database role's suffix. */
  readonly schema: string
  readonly contract: C
  readonly handlers: Handlers<C>
  readonly consumers: readonly Consumer[]
  readonly jobs: readonly Job[]
  readonly migrations: Migrations
}

type Spec<C extends AnyContract> = Pick<Service<C>, 'name' | 'contract' | 'handlers' | 'migrations'> &
  Partial<Pick<Service<C>, 'consumers' | 'jobs'>>

export const defineService = <C extends AnyContract>(spec: Spec<C>): Service<C> =>
  Object.freeze({ consumers: [], jobs: [], ...spec, schema: spec.name.replaceAll('-', '_') })
