// What operations says when all is over: everything is compared once more, and nothing may be wrong any more but the
// events that faults have put into the log, which are of no task, and of which operations must say so.
import type { Output } from '../../../kernel/contract.ts'
import { must } from '../../../kernel/result.ts'
import type { operations } from '../../../services/operations/contract.ts'
import { type Scene, waits } from './scene.ts'

/** A round over a million events takes a minute or two beside everything else. */
const comparedMs = 600_000
/** Alerts are cleared when what they say has not been so for a while. */
const calmMs = 75_000
const everyMs = 250

const asker = ({ deployment }: Scene) => {
  const actor = { id: 1, role: 'admin' }
  return async <Answer>(method: string, input: object, key: object = {}): Promise<Answer> =>
    must(await deployment.call({ service: 'operations', method, input, actor, requestId: 'verdict', ...key })) as Answer
}

type Ask = ReturnType<typeof asker>

/** What is wrong, in words; empty when nothing is. */
export const verdict = async (scene: Scene, forged: readonly number[]): Promise<readonly string[]> => {
  const ask = asker(scene)
  const { id } = await ask<Output<typeof operations.reconcile>>('Reconcile', {}, { idempotencyKey: 'verdict' })
  const isCompared = async () => (await ask<Output<typeof operations.getAct>>('GetAct', { id })).finishedAt !== null
  await waits(scene, 'everything is compared', isCompared, { limitMs: comparedMs, everyMs })
  let wrong: readonly string[] = await differencesBut(ask, forged)
  // What was compared from the beginning is not going to mend itself; alerts take their time.
  if (wrong.length > 0) return wrong
  const isCalm = async () => (wrong = await wrongIn(ask, forged)).length === 0
  await waits(scene, 'operations says that all is well', isCalm, { limitMs: calmMs, everyMs }).catch(() =>
    scene.signal.throwIfAborted(),
  )
  return wrong
}

/** As many as one look of operations names. */
const mostNamed = 100

const listDifferences = async (ask: Ask) => {
  const found: Output<typeof operations.listDifferences>['differences'] = []
  for (let after: string | null | undefined; after !== null;) {
    const input: object = { state: 'open', limit: 100, ...(after === undefined ? {} : { after }) }
    const { differences, next } = await ask<Output<typeof operations.listDifferences>>('ListDifferences', input)
    found.push(...differences)
    after = next
  }
  return found
}

/** Such as `task-tracker #12: an event is of a task`. */
const numberIn = (about: string): number => Number(/^task-tracker #(\d+)/.exec(about)?.[1])

type Found = Pick<Output<typeof operations.listDifferences>['differences'][number], 'name' | 'about' | 'what'>

/** Of what was found: differences that no fault has made on purpose; and how many that one has made were not found. */
export const wrongDifferences = (found: readonly Found[], forged: readonly number[]): readonly string[] => {
  const named = new Set(found.map(({ about }) => numberIn(about))).intersection(new Set(forged))
  const missing = Math.min(forged.length, mostNamed) - named.size
  return [
    ...found
      .filter(({ about }) => !named.has(numberIn(about)))
      .map(({ name, about, what }) => `a difference of ${name}: ${about} is ${what}`),
    ...(missing > 0 ? [`${missing} events of no task are not found`] : []),
  ]
}

const differencesBut = async (ask: Ask, forged: readonly number[]): Promise<readonly string[]> =>
  wrongDifferences(await listDifferences(ask), forged)

const wrongIn = async (ask: Ask, forged: readonly number[]): Promise<readonly string[]> => {
  const { alerts } = await ask<Output<typeof operations.listAlerts>>('ListAlerts', { state: 'open' })
  const { undelivered } = await ask<Output<typeof operations.getOverview>>('GetOverview', {})
  return [
    ...alerts
      .filter(({ name }) => forged.length === 0 || name !== 'ReconciliationDifference')
      .map(({ name, about, text }) => `the alert ${name} about ${about}: ${text}`),
    ...(await differencesBut(ask, forged)),
    ...undelivered
      .filter(({ healedAt }) => healedAt === null)
      .map(({ consumer, after, reason }) => `${consumer} waits for events after ${after}: ${reason}`),
  ]
}
