// PlanAcceptance: where a forked consumer would go on, by looking for the last event that both histories have.
import { acceptOtherHistory } from '../../../kernel/accept-history.ts'
import { isRefusal, must, ok, refuse } from '../../../kernel/result.ts'
import type { Ask } from '../../../kernel/service.ts'
import type { operations } from '../contract.ts'
import { asService } from './behalf.ts'

export const planAcceptance =
  (watched: readonly string[]): Ask<typeof operations.planAcceptance> =>
  async ({ service, consumer }, context) => {
    if (!watched.includes(service)) return refuse('service_not_found')
    const wanted = { service, consumer, reason: 'nothing is changed', dryRun: true }
    const planned = await acceptOtherHistory(context.call, wanted, asService(context))
    if (!isRefusal(planned)) {
      const { stream, epoch, after, leftAt, head, discarded } = planned.ok
      return ok({ stream, epoch, after, leftAt, head, discarded })
    }
    if (planned.refused === 'consumer_not_found') return refuse('consumer_not_found')
    if (planned.refused === 'not_forked') return refuse('not_forked', planned.detail)
    return planned.refused === 'cannot_go_on' ? refuse('cannot_go_on', planned.detail) : must(planned)
  }
