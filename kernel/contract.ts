// What a service offers, declared once: command(), query(), event() and contract() that names them.
import { z } from 'zod'

/** Who acts. `id` is the person's number, null for a service; `role` is one that the contracts name. */
export interface Actor {
  readonly id: number | null
  readonly role: string
  /** As who has no number calls themselves: somebody at the command line. It is believed there, and goes over no wire. */
  readonly name?: string
}

/** The role under which services call each other. Methods allowed only to it are not public. */
export const serviceRole = 'service'

/** Kinds of an expected no; each transport has its own way to say them. */
export const refusalKinds = ['invalid', 'forbidden', 'absent', 'conflict', 'throttled'] as const
export type RefusalKind = (typeof refusalKinds)[number]

/** Refusals that every method may give, beside those it declares. */
export const standardRefusals = {
  invalid_input: 'invalid',
  unauthenticated: 'forbidden',
  forbidden: 'forbidden',
  unknown_method: 'absent',
  key_reused: 'invalid',
  key_in_progress: 'conflict',
} as const satisfies Record<string, RefusalKind>

type Schema = z.core.$ZodType
export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

interface MethodSpec<Input extends Schema, Output extends Schema, Code extends string> {
  /** Verb and path, `POST /tasks/{taskId}/complete`. Parts in braces come from the input. */
  readonly http: `${Verb} /${string}`
  readonly summary: string
  /** Roles that may call it. Ownership is the handler's matter. */
  readonly allow: readonly string[]
  /** True when repeating the call has no further effect, so that it may be retried without an idempotency key. */
  readonly idempotent?: boolean
  readonly input: Input
  readonly output: Output
  readonly refuses?: Readonly<Record<Code, RefusalKind>>
}

export interface Method<
  Input extends Schema = Schema,
  Output extends Schema = Schema,
  Code extends string = string,
> extends Required<MethodSpec<Input, Output, Code>> {
  readonly is: 'command' | 'query'
  /** The name on the wire, `CompleteTask`. */
  readonly name: string
  readonly service: string
}

export interface EventType<Data extends Schema = Schema> {
  readonly is: 'event'
  /** The name on the wire, `TaskCompleted`. */
  readonly name: string
  readonly service: string
  readonly version: number
  readonly summary: string
  /** The field of `data` that names the aggregate, whose events stay in order. */
  readonly about: string
  readonly data: Data
}

export type Input<M extends Method> = z.output<M['input']>
export type Output<M extends Method> = z.output<M['output']>
export type RefusalCode<M extends Method> = keyof M['refuses'] & string
export type EventData<E extends EventType> = z.output<E['data']>

type Unnamed<T> = T extends unknown ? Omit<T, 'name' | 'service'> : never

// NoInfer: inside contract() the compiler would infer that a method which declares no refusals may give any.
export const command = <Input extends Schema, Output extends Schema, Code extends string = never>(
  spec: MethodSpec<Input, Output, Code>,
): Unnamed<Method<Input, Output, NoInfer<Code>>> => ({
  idempotent: false,
  refuses: {} as Record<Code, RefusalKind>,
  ...spec,
  is: 'command',
})

export const query = <Input extends Schema, Output extends Schema, Code extends string = never>(
  spec: MethodSpec<Input, Output, Code>,
): Unnamed<Method<Input, Output, NoInfer<Code>>> => ({
  refuses: {} as Record<Code, RefusalKind>,
  ...spec,
  idempotent: true,
  is: 'query',
})

export const event = <Data extends Schema>(
  spec: Pick<EventType<Data>, 'version' | 'summary' | 'data'> & { readonly about: keyof z.output<Data> & string },
): Unnamed<EventType<Data>> => ({ ...spec, is: 'event' })

type Named<T> = T extends { is: 'event'; data: infer Data extends Schema }
  ? EventType<Data>
  : T extends {
        input: infer In extends Schema
        output: infer Out extends Schema
        refuses: infer Refuses
      }
    ? Method<In, Out, keyof Refuses & string>
    : never

type Entries = Readonly<Record<string, Unnamed<Method> | Unnamed<EventType>>>

/** The whole of a contract: its methods and events by their names in code. */
export type Contract<E extends Entries = Entries> = { readonly [Key in keyof E]: Named<E[Key]> }

export const contract = <const E extends Entries>(serviceName: string, entries: E): Contract<E> =>
  Object.freeze(
    Object.fromEntries(
      Object.entries(entries).map(([key, entry]) => [
        key,
        Object.freeze({ ...entry, service: serviceName, name: key.charAt(0).toUpperCase() + key.slice(1) }),
      ]),
    ),
  ) as Contract<E>

export type AnyContract = Readonly<Record<string, Method | EventType>>

export const methodsOf = (of: AnyContract): Method[] => Object.values(of).filter((entry) => entry.is !== 'event')
export const eventsOf = (of: AnyContract): EventType[] => Object.values(of).filter((entry) => entry.is === 'event')

/** Ids of requests come from outside too, and go into logs: only what cannot confuse them is taken over. */
export const isRequestId = (given: string | null | undefined): given is string =>
  typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)
