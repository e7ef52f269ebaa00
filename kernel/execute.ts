// Runs one call: role -> input -> one transaction { handler + outbox + kept answer } -> output.
import { sql } from 'kysely'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { type Actor, type Method, methodsOf } from './contract.ts'
import { isLockTimeout, isTransient } from './failure.ts'
import { insertOutbox, outboxOf } from './outbox.ts'
import type { Call, Clock, Database, Log, Random, Tracing, Tx } from './ports.ts'
import { Fault, isRefusal, ok, type Outcome, refuse, type Refusal } from './result.ts'
import { inputHash, keyHash, seal, unseal } from './seal.ts'
import type { Ask, Handler } from './service.ts'
import { noTracing } from './tracing.ts'

/** Throws nothing but `Fault`. */
export type Execute = (call: Call) => Promise<Outcome<unknown>>

export interface Executing {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Called after each commit that left events in the outbox or work for jobs. */
  readonly committed: () => void
  readonly tracing?: Tracing
  /** The way to other services, for queries that they answer. */
  readonly call?: Caller
}

type AnyHandler = Handler<Method>
type AnyAsk = { readonly ask: Ask<Method> }
interface Answering {
  readonly method: Method
  readonly handler: AnyHandler | AnyAsk
}
export type MethodTable = ReadonlyMap<string, Answering>

/** Methods by their names on the wire, each with its handler. */
export const methodTable = (
  parts: readonly { contract: Readonly<Record<string, unknown>>; handlers: Readonly<Record<string, unknown>> }[],
): MethodTable => {
  const entries = parts.flatMap(({ contract, handlers }) =>
    Object.entries(contract as Parameters<typeof methodsOf>[0])
      .filter((entry): entry is [string, Method] => entry[1].is !== 'event')
      .map(([key, method]) => [method.name, { method, handler: handlers[key] as Answering['handler'] }] as const),
  )
  const table = new Map(entries)
  // Of two of one name, the first could never be called.
  if (table.size < entries.length)
    throw new Error(`two methods of one name among ${entries.map(([name]) => name).join()}`)
  return table
}

/** Rolls the transaction back and carries the refusal out of it. */
class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.refused)
    this.refusal = refusal
  }
}

const attempts = 3

/** What is wrong with an input, by field. */
const invalid = (error: z.core.$ZodError): Refusal =>
  refuse('invalid_input', {
    fields: error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message })),
  })

const mayCall = (method: Method, actor: Actor): Refusal | null => {
  if (method.allow.includes(actor.role)) return null
  return refuse(actor.role === '' ? 'unauthenticated' : 'forbidden')
}

export const nobody: Actor = { id: null, role: '' }

export const executor = (methods: MethodTable, executing: Executing): Execute => {
  const { log, committed } = executing
  return async (call) => {
    const found = methods.get(call.method)
    if (!found) return refuse('unknown_method', { method: call.method })
    const denied = mayCall(found.method, call.actor)
    if (denied) return denied
    const input = z.safeParse(found.method.input, call.input ?? {})
    if (!input.success) return invalid(input.error)
    if (call.idempotencyKey !== undefined && !/^[\x21-\x7e]{1,200}$/.test(call.idempotencyKey)) {
      return refuse('invalid_input', {
        fields: [{ path: 'Idempotency-Key', message: '1 to 200 visible ASCII characters' }],
      })
    }
    const begun = performance.now()
    const outcome = await withRetries(call, () => answer(found, call, input.data, executing), log)
    if (found.method.is === 'command') committed()
    const { service, method, requestId, actor } = call
    const ms = Math.round(performance.now() - begun)
    log.debug(
      { service, method, requestId, actor, ms, refused: 'refused' in outcome ? outcome.refused : null },
      'called',
    )
    return outcome
  }
}

/** A lost session or a deadlock is an ordinary retry; an unknown outcome only when a key makes it safe. */
const withRetries = async <T>(call: Call, work: () => Promise<T>, log: Log): Promise<T> => {
  let unknown: Fault | undefined
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Fault && error.kind === 'outcome_unknown') unknown = error
      const late = performance.now() >= call.deadlineMs || (error instanceof Fault && error.kind === 'deadline')
      const again = isTransient(error) && !late && attempt < attempts && (!unknown || call.idempotencyKey !== undefined)
      // That a later attempt did nothing says nothing about the one whose answer was lost.
      if (!again) throw unknown ?? faultOf(error, call)
      log.warn(
        { method: call.method, requestId: call.requestId, attempt, err: error },
        'transaction failed, trying again',
      )
    }
  }
}

/** Callers meet faults only, here as over a wire. What passes by itself was not committed. */
const faultOf = (error: unknown, { service, method }: Call): Fault =>
  error instanceof Fault
    ? error
    : new Fault(isTransient(error) ? 'unavailable' : 'internal', `${service}.${method} failed`, { cause: error })

const answer = (
  { method, handler }: Answering,
  call: Call,
  input: unknown,
  executing: Executing,
): Promise<Outcome<unknown>> =>
  'ask' in handler
    ? askOthers(method, handler, call, input, executing)
    : transact({ method, handler }, call, input, executing)

/** Without a transaction: nothing of ours is locked while others take their time, and no longer than our caller waits. */
const askOthers = async (
  method: Method,
  { ask }: AnyAsk,
  { actor, requestId, deadlineMs }: Call,
  input: unknown,
  { call: others }: Executing,
): Promise<Outcome<unknown>> => {
  if (!others) throw new Fault('internal', `${method.service}.${method.name} has no way to other services`)
  const call: Caller = (asked, given, behalf) => {
    const leftMs = Math.max(0, deadlineMs - performance.now())
    return others(asked, given, { ...behalf, timeoutMs: Math.min(leftMs, behalf.timeoutMs ?? leftMs) })
  }
  const outcome = await ask(input, { call, actor, requestId })
  return isRefusal(outcome) ? outcome : ok(z.parse(method.output, outcome.ok))
}

const transact = async (
  { method, handler }: { method: Method; handler: AnyHandler },
  call: Call,
  input: unknown,
  { database, clock, random, tracing = noTracing }: Executing,
): Promise<Outcome<unknown>> => {
  const keyed = method.is === 'command' && call.idempotencyKey !== undefined
  const work = async (tx: Tx) => {
    const now = await clock.now(tx)
    const kept = keyed ? await claimKey(tx, database.schema, call, input, now) : null
    if (kept) return kept
    const { emit, collected } = outboxOf(random)
    const { actor, requestId } = call
    const trace = tracing.place()
    const outcome = await handler(input, { tx, actor, now, random, emit, requestId, trace })
    if (isRefusal(outcome)) throw new Refused(outcome)
    const output = z.parse(method.output, outcome.ok)
    if (keyed) await keepAnswer(tx, database.schema, call, seal(call.idempotencyKey ?? '', output, random))
    await insertOutbox(tx, database.schema, collected, { at: now, requestId, actor: actor.id, trace })
    return ok(output)
  }
  try {
    return await database.transaction(`${call.service}.${method.name}`, work, {
      deadlineMs: call.deadlineMs,
      readOnly: method.is === 'query',
    })
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    throw error
  }
}

/** Where the answer to a keyed call is kept: the key itself is not, for it opens the answer. */
const keyOf = (call: Call) => [call.actor.id ?? 0, call.method, keyHash(call.idempotencyKey ?? '')] as const

/** A duplicate waits this long for the first one's answer. */
const claimWait = '1s'

const claim = async (tx: Tx, schema: string, call: Call, hash: string, now: Date): Promise<boolean> => {
  const [actor, name, key] = keyOf(call)
  await sql`select set_config('lock_timeout', ${claimWait}, true)`.execute(tx)
  try {
    const { numAffectedRows } = await sql`
      insert into ${sql.id(schema, 'idempotency')} (actor, method, key, input_hash, at)
      values (${actor}, ${name}, ${key}, ${hash}, ${now}) on conflict do nothing`.execute(tx)
    return numAffectedRows === 1n
  } catch (error) {
    if (isLockTimeout(error)) throw new Refused(refuse('key_in_progress', { retryAfterSeconds: 1 }))
    throw error
  }
}

/** Takes the key for this transaction, or gives the answer that was kept for it. A duplicate in flight is waited for. */
const claimKey = async (
  tx: Tx,
  schema: string,
  call: Call,
  input: unknown,
  now: Date,
): Promise<Outcome<unknown> | null> => {
  const [actor, name, key] = keyOf(call)
  const hash = inputHash(call.idempotencyKey ?? '', input)
  const claimed = await claim(tx, schema, call, hash, now)
  await sql`set local lock_timeout to default`.execute(tx)
  if (claimed) return null
  const { rows } = await sql<{ inputHash: string; answer: string }>`
    select input_hash as "inputHash", answer from ${sql.id(schema, 'idempotency')}
    where actor = ${actor} and method = ${name} and key = ${key}`.execute(tx)
  const kept = rows[0]
  if (!kept) throw new Refused(refuse('key_in_progress', { retryAfterSeconds: 1 }))
  if (kept.inputHash !== hash) throw new Refused(refuse('key_reused'))
  return ok(unseal(call.idempotencyKey ?? '', kept.answer))
}

const keepAnswer = async (tx: Tx, schema: string, call: Call, sealed: string): Promise<void> => {
  const [actor, name, key] = keyOf(call)
  await sql`
    update ${sql.id(schema, 'idempotency')} set answer = ${sealed}
    where actor = ${actor} and method = ${name} and key = ${key}`.execute(tx)
}

/** As many rows as one statement deletes, so that none runs into its time limit. */
const mostForgotten = 10_000

/** Forgets keys after 24 hours. True while there may be more to forget. */
export const forgetKeys = (database: Database, clock: Clock): Promise<boolean> =>
  database.transaction('keys.forget', async (tx) => {
    const before = new Date((await clock.now(tx)).getTime() - 24 * 60 * 60 * 1_000)
    const idempotency = sql.id(database.schema, 'idempotency')
    const { numAffectedRows = 0n } = await sql`
      delete from ${idempotency} where (actor, method, key) in (
        select actor, method, key from ${idempotency} where at < ${before} order by at limit ${mostForgotten})`.execute(
      tx,
    )
    return numAffectedRows >= BigInt(mostForgotten)
  })
