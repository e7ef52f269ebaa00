// What operations says when all is over: everything is compared once more, and nothing may be wrong any more.
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

/** What is wrong, in words; empty when nothing is. */
export const verdict = async (scene: Scene): Promise<readonly string[]> => {
  const ask = asker(scene)
  const { id } = await ask<Output<typeof operations.reconcile>>('Reconcile', {}, { idempotencyKey: 'verdict' })
  const isCompared = async () => (await ask<Output<typeof operations.getAct>>('GetAct', { id })).finishedAt !== null
  await waits(scene, 'everything is compared', isCompared, { limitMs: comparedMs, everyMs })
  let wrong: readonly string[] = await differencesIn(ask)
  // What was compared from the beginning is not going to mend itself; alerts take their time.
  if (wrong.length > 0) return wrong
  const isCalm = async () => (wrong = await wrongIn(ask)).length === 0
  await waits(scene, 'operations says that all is well', isCalm, { limitMs: calmMs, everyMs }).catch(() =>
    scene.signal.throwIfAborted(),
  )
  return wrong
}

const differencesIn = async (ask: ReturnType<typeof asker>): Promise<readonly string[]> => {
  const { differences } = await ask<Output<typeof operations.listDifferences>>('ListDifferences', { state: 'open' })
  return differences.map(({ name, about, what }) => `a difference of ${name}: ${about} is ${what}`)
}

const wrongIn = async (ask: ReturnType<typeof asker>): Promise<readonly string[]> => {
  const { alerts } = await ask<Output<typeof operations.listAlerts>>('ListAlerts', { state: 'open' })
  const { undelivered } = await ask<Output<typeof operations.getOverview>>('GetOverview', {})
  return [
    ...alerts.map(({ name, about, text }) => `the alert ${name} about ${about}: ${text}`),
    ...(await differencesIn(ask)),
    ...undelivered
      .filter(({ healedAt }) => healedAt === null)
      .map(({ consumer, after, reason }) => `${consumer} waits for events after ${after}: ${reason}`),
  ]
}
