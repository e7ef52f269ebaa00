// PlanRedelivery: what each consumer of a stream would do with a range that is said once more, by delivering it to each of
// them and taking that back.
import type { Output } from '../../../kernel/contract.ts'
import { describeError } from '../../../kernel/failure.ts'
import { must, ok, refuse } from '../../../kernel/result.ts'
import type { Ask, AskContext } from '../../../kernel/service.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { EventBatch } from '../../../kernel/stream.ts'
import type { operations } from '../contract.ts'
import { overTheBus, planned } from '../rules/outcomes.ts'
import { asService } from './behalf.ts'
import { readRange } from './range.ts'

type Plan = Output<typeof operations.planRedelivery>

export const planRedelivery =
  (watched: readonly string[]): Ask<typeof operations.planRedelivery> =>
  async ({ stream, after, upTo }, context) => {
    if (!watched.includes(stream)) return refuse('service_not_found')
    const batch = await readRange(context.call, asService(context), { stream, after, upTo })
    const found = await Promise.all(watched.map((service) => ofService(service, { stream, batch }, context)))
    const last = batch.events.at(-1)?.number ?? after
    const consumers = found.flatMap((one) => one.consumers)
    return ok({ stream, head: batch.head, after, upTo: last, consumers, unasked: found.flatMap((one) => one.unasked) })
  }

interface Said {
  readonly stream: string
  readonly batch: EventBatch
}

/** One that is away keeps nobody from hearing what the others would do. */
const ofService = async (
  service: string,
  { stream, batch }: Said,
  context: AskContext,
): Promise<Pick<Plan, 'consumers' | 'unasked'>> => {
  const { call } = context
  const behalf = asService(context)
  const { getState, deliver } = standardContract(service)
  try {
    const { positions } = must(await call(getState, {}, behalf))
    const readers = positions.filter((position) => position.stream === stream)
    const consumers = readers.map(async ({ consumer }) => {
      const { outcomes, position } = must(await call(deliver, { consumer, batch, dryRun: true }, behalf))
      return { service, consumer, position, outcomes: planned(outcomes.map(overTheBus)) }
    })
    return { consumers: await Promise.all(consumers), unasked: [] }
  } catch (error) {
    return { consumers: [], unasked: [{ service, reason: describeError(error) }] }
  }
}
