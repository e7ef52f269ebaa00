// PlanDelivery: what a delivery would do to each event of a range, by doing it and taking it back.
import { isRefusal, must, ok, refuse } from '../../../kernel/result.ts'
import type { Ask } from '../../../kernel/service.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { operations } from '../contract.ts'
import { planned } from '../rules/outcomes.ts'
import { asService } from './behalf.ts'
import { readRange } from './range.ts'

export const planDelivery =
  (watched: readonly string[]): Ask<typeof operations.planDelivery> =>
  async ({ service, consumer, after, upTo }, context) => {
    if (!watched.includes(service)) return refuse('service_not_found')
    const { call } = context
    const behalf = asService(context)
    const { positions } = must(await call(standardContract(service).getState, {}, behalf))
    const position = positions.find((one) => one.consumer === consumer)
    if (!position) return refuse('consumer_not_found')
    const { stream } = position
    const batch = await readRange(call, behalf, { stream, after, upTo })
    const tried = await call(standardContract(service).deliver, { consumer, batch, dryRun: true }, behalf)
    if (isRefusal(tried)) return tried.refused === 'consumer_not_found' ? refuse('consumer_not_found') : must(tried)
    const last = batch.events.at(-1)?.number ?? after
    const outcomes = planned(tried.ok.outcomes)
    return ok({ stream, head: batch.head, position: tried.ok.position, after, upTo: last, outcomes })
  }
