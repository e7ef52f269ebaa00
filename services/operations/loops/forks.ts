// Finds for each forked consumer up to where its history and its producer's present one agree, once for each fork.
import { acceptOtherHistory } from '../../../kernel/accept-history.ts'
import { isRefusal } from '../../../kernel/result.ts'
import { type Loop, startLoop } from '../../../kernel/loop.ts'
import type { LoopContext } from '../../../kernel/service.ts'
import type { ForkSeen } from '../observation.ts'
import { lastWatch } from '../store/watch.ts'
import { asReconciler } from './comparison.ts'

export interface Forks {
  readonly loop: Loop
  readonly known: () => readonly ForkSeen[]
}

const lookMs = 5_000

/** Apart from the watcher, for a long log takes long to search. */
export const findingForks = (context: LoopContext): Forks => {
  let known: readonly ForkSeen[] = []
  const pass = async (): Promise<'idle'> => {
    if (!context.turn.held()) return 'idle'
    const forked = await forkedOnes(context)
    known = known.filter((fork) => forked.some((one) => isOf(one, fork)))
    for (const one of forked.filter((fork) => !known.some((other) => isOf(fork, other)))) {
      const wanted = { service: one.service, consumer: one.consumer, reason: 'nothing is changed', dryRun: true }
      const planned = await acceptOtherHistory(context.call, wanted, asReconciler)
      if (!isRefusal(planned)) known = [...known, { ...one, agreedAt: planned.ok.after }]
    }
    return 'idle'
  }
  return { known: () => known, loop: startLoop({ name: 'forks', pollMs: lookMs, log: context.log, pass }) }
}

type Forked = Omit<ForkSeen, 'agreedAt'>

const isOf = (one: Forked, other: Forked): boolean =>
  one.service === other.service &&
  one.consumer === other.consumer &&
  one.number === other.number &&
  one.epoch === other.epoch

const forkedOnes = async ({ database }: LoopContext): Promise<Forked[]> => {
  const watch = await database.transaction('forks.look', (tx) => lastWatch(tx), { readOnly: true })
  return (watch?.observation.services ?? []).flatMap(({ name: service, state, silentMs }) =>
    (silentMs === 0 ? (state?.positions ?? []) : [])
      .filter((position) => position.state === 'forked')
      .map(({ consumer, stream, number, epoch }) => ({ service, consumer, stream, number, epoch })),
  )
}
