// The commands: each writes one row of the operator log, which is then carried out step by step by the acts' loop.
import type { Input, Output } from '../../kernel/contract.ts'
import { isRefusal, type Ok, ok, refuse, type Refusal } from '../../kernel/result.ts'
import type { Context, Handler } from '../../kernel/service.ts'
import type { operations } from './contract.ts'
import { cancelActs, findAct, insertActs, type NewAct } from './store/acts.ts'
import { lastWatch } from './store/watch.ts'
import { actOnWire } from './wire.ts'

type Act = Output<typeof operations.getAct>

const write = async (
  act: Omit<NewAct, 'requestedBy' | 'requestedAs'>,
  { tx, actor: { id, name }, now }: Context,
): Promise<Ok<Act>> => {
  const [row] = await insertActs(tx, [{ ...act, requestedBy: id, requestedAs: (id === null && name) || null }], now)
  if (!row) throw new Error('an act was not inserted')
  return ok(actOnWire(row))
}

interface OfConsumer {
  readonly service: string
  readonly consumer: string
}

/** What nobody has seen yet cannot be acted upon; a service that is away can: the act waits for it. */
const findConsumer = async (
  { service, consumer }: OfConsumer,
  { tx }: Context,
): Promise<Ok<null> | Refusal<'service_not_found' | 'consumer_not_found'>> => {
  const seen = (await lastWatch(tx))?.observation.services.find(({ name }) => name === service)
  if (!seen?.state) return refuse('service_not_found')
  return seen.state.positions.some((position) => position.consumer === consumer)
    ? ok(null)
    : refuse('consumer_not_found')
}

const aboutConsumer = async (
  kind: Act['kind'],
  input: OfConsumer & { readonly reason?: string },
  context: Context,
): Promise<Ok<Act> | Refusal<'service_not_found' | 'consumer_not_found'>> => {
  const found = await findConsumer(input, context)
  if (isRefusal(found)) return found
  const { service, consumer, reason = null, ...rest } = input
  return write({ kind, service, consumer, input: rest, reason }, context)
}

export const retryEvents: Handler<typeof operations.retryEvents> = (input, context) =>
  aboutConsumer('retry', input, context)
export const discardEvents: Handler<typeof operations.discardEvents> = (input, context) =>
  aboutConsumer('discard', input, context)
export const restoreEvents: Handler<typeof operations.restoreEvents> = (input, context) =>
  aboutConsumer('restore', input, context)
export const refetchEvents: Handler<typeof operations.refetchEvents> = (input, context) =>
  aboutConsumer('refetch', input, context)
export const pauseConsumer: Handler<typeof operations.pauseConsumer> = (input, context) =>
  aboutConsumer('pause', input, context)
export const resumeConsumer: Handler<typeof operations.resumeConsumer> = (input, context) =>
  aboutConsumer('resume', input, context)
export const acceptHistory: Handler<typeof operations.acceptHistory> = (input, context) =>
  aboutConsumer('accept_history', input, context)

export const redeliverEvents: Handler<typeof operations.redeliverEvents> = async (input, context) => {
  const { stream, ...range }: Input<typeof operations.redeliverEvents> = input
  const seen = (await lastWatch(context.tx))?.observation.services.some(({ name, state }) => name === stream && state)
  if (!seen) return refuse('service_not_found')
  return write({ kind: 'redeliver', service: stream, consumer: null, input: range, reason: null }, context)
}

export const reconcile: Handler<typeof operations.reconcile> = (_input, context) =>
  write({ kind: 'reconcile', service: null, consumer: null, input: {}, reason: null }, context)

export const cancelAct: Handler<typeof operations.cancelAct> = async ({ id }, { tx, now }) => {
  const [cancelled] = await cancelActs(tx, [id], now)
  if (cancelled) return ok(actOnWire(cancelled))
  const act = await findAct(tx, id)
  if (!act) return refuse('act_not_found')
  return act.state === 'cancelled' ? ok(actOnWire(act)) : refuse('act_finished')
}
