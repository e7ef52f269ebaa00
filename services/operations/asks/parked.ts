// ListParked and GetParkedEvent: what could not be applied, asked of the service that has set it aside.
import type { Output } from '../../../kernel/contract.ts'
import { must, ok, refuse } from '../../../kernel/result.ts'
import type { Ask } from '../../../kernel/service.ts'
import { type StandardContract, standardContract } from '../../../kernel/standard.ts'
import type { operations } from '../contract.ts'
import { asService } from './behalf.ts'

type Parked = Output<StandardContract['getParked']>['parked'][number]

const onWire = (service: string, { at, ...event }: Parked): Output<typeof operations.getParkedEvent> => ({
  ...event,
  service,
  at: new Date(at).toISOString(),
  trace: event.trace ?? null,
})

export const listParked =
  (watched: readonly string[]): Ask<typeof operations.listParked> =>
  async ({ service, ...filter }, context) => {
    if (!watched.includes(service)) return refuse('service_not_found')
    const found = must(await context.call(standardContract(service).getParked, filter, asService(context)))
    return ok({ parked: found.parked.map((event) => onWire(service, event)), next: found.next })
  }

const states = ['parked', 'discarded', 'applied'] as const

export const getParkedEvent =
  (watched: readonly string[]): Ask<typeof operations.getParkedEvent> =>
  async ({ service, consumer, number }, context) => {
    if (!watched.includes(service)) return refuse('service_not_found')
    const { getParked } = standardContract(service)
    for (const state of states) {
      const { parked } = must(await context.call(getParked, { consumer, number, state, limit: 1 }, asService(context)))
      if (parked[0]) return ok(onWire(service, parked[0]))
    }
    return refuse('parked_not_found')
  }
