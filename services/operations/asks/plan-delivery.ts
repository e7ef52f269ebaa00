// PlanDelivery: what a delivery would do to each event of a range, by doing it and taking it back.
import type { Output } from '../../../kernel/contract.ts'
import { isRefusal, must, ok, refuse } from '../../../kernel/result.ts'
import type { Ask } from '../../../kernel/service.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { operations } from '../contract.ts'
import { tally } from '../rules/tally.ts'
import { asService } from './behalf.ts'
import { readRange } from './range.ts'

/** As many numbers of each outcome are named. */
const mostNamed = 200

type Plan = Output<typeof operations.planDelivery>

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
    const outcomes: Plan['outcomes'] = [...tally(tried.ok.outcomes, ({ outcome }) => outcome)].map(
      ([outcome, events]) => ({
        outcome,
        count: events.length,
        numbers: events.slice(0, mostNamed).map(({ number }) => number),
      }),
    )
    const last = batch.events.at(-1)?.number ?? after
    return ok({ stream, head: batch.head, position: tried.ok.position, after, upTo: last, outcomes })
  }
