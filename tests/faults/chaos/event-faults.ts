// Events come that nobody can apply, until an operator has seen to them; and those that were applied come again.
import type { Delivery } from '../../../kernel/standard.ts'
import type { EventBatch } from '../../../kernel/stream.ts'
import type { Part } from '../distributed/deployment.ts'
import { sayForged } from '../planting.ts'
import { type Fault, one } from './fault.ts'
import { type Scene, waits } from './scene.ts'

/** What no schema of ours lets pass. */
const poisons: readonly unknown[] = [null, 'words', [], {}, { taskId: 'one' }, { taskId: 2 ** 31 }]

/** Of events that the ledger could not apply, the numbers of those that wait for a person, and how many do not. */
const parkedNow = async (scene: Scene): Promise<{ readonly waiting: readonly number[]; readonly decided: number }> => {
  await using hand = await scene.deployment.stage.ground.servers.accounting.connect()
  const { rows } = await hand.query<{ number: number; state: string }>(
    'select number::int, state from accounting.parked order by number',
  )
  const waiting = rows.filter(({ state }) => state === 'parked').map(({ number }) => number)
  return { waiting, decided: rows.length - waiting.length }
}

/** As many as one call retries. */
const mostRetried = 100

/** Others may have been quicker, or what was asked may be done although nobody answered: whoever asks looks again. */
const asks = (asking: Promise<unknown>): Promise<boolean> =>
  asking.then(
    () => true,
    () => false,
  )

/** A consumer stands still after too many events in a row that it could not apply. */
const goOn = ({ deployment }: Scene): Promise<boolean> => {
  const input = { consumer: 'ledger', state: 'running', reason: 'seen to' }
  return asks(deployment.stage.operate(deployment, 'accounting', 'SetConsumerState', input))
}

/** As an operator does who was told: tries one again in vain, sets all aside, and lets the consumer go on. */
const attend = async (scene: Scene, waiting: readonly number[]): Promise<void> => {
  const { deployment } = scene
  const { stage } = deployment
  const [first, ...others] = waiting
  if (first !== undefined && (await asks(stage.retryParked(deployment, first))))
    for (const number of [first, ...others]) await asks(stage.discardParked(deployment, number))
  await goOn(scene)
}

/** Resolves when nothing waits for a person, and people have decided about so many in all. */
export const allAttended = async (scene: Scene, count: number): Promise<void> => {
  const isDone = async () => {
    const { waiting, decided } = await parkedNow(scene)
    if (waiting.length === 0 && decided >= count) return true
    await attend(scene, waiting)
    return false
  }
  await waits(scene, `all of ${count} poisoned events are set aside`, () => isDone().catch(() => false), {
    everyMs: 100,
  })
}

/** Resolves when all of them were parked and somebody has decided about each. */
const poison =
  (fewest: number, most: number) =>
  async (scene: Scene): Promise<void> => {
    const { stage } = scene.deployment
    const count = scene.draw(fewest, most)
    const events = Array.from({ length: count }, () => ({ data: one(scene, poisons) }))
    let before = 0
    const say = async () => {
      before = (await parkedNow(scene)).decided
      await using hand = await stage.ground.servers.task_tracker.connect()
      await sayForged(stage, events, hand)
    }
    await waits(scene, 'poison is said', () => asks(say()))
    await allAttended(scene, before + count)
  }

/** As a mistake of an operator would: what is booked for completed tasks is refused. */
const disorder = `alter table accounting.posting add constraint no_rewards check (kind <> 'reward') not valid`
const order = 'alter table accounting.posting drop constraint if exists no_rewards'

/** What could not be applied meanwhile is applied when the ledger is mended, though it is its turn no more. */
const mend = async (scene: Scene): Promise<void> => {
  const { deployment } = scene
  const { accounting } = deployment.stage.ground.servers
  const isParking = async () => (await parkedNow(scene)).waiting.length > 0
  await waits(scene, 'the ledger is out of order', () => asks(accounting.run(disorder)))
  await waits(scene, 'events are parked', () => isParking().catch(() => false))
  await waits(scene, 'the ledger is mended', () => asks(accounting.run(order)))
  const isDone = async () => {
    const { waiting } = await parkedNow(scene)
    if (waiting.length === 0) return true
    const retry = { consumer: 'ledger', numbers: waiting.slice(0, mostRetried) }
    await asks(deployment.stage.operate(deployment, 'accounting', 'RetryParkedEvents', retry))
    await goOn(scene)
    return false
  }
  await waits(scene, 'what was parked is applied', () => isDone().catch(() => false), { everyMs: 100 })
}

/** Of the last so many numbers before what is applied. */
const someRange = (scene: Scene, applied: number, most: number): { readonly from: number; readonly to: number } => {
  const to = scene.draw(Math.max(1, applied - 20_000), Math.max(1, applied))
  return { from: Math.max(1, to - scene.draw(1, most) + 1), to }
}

const appliedNow = async (scene: Scene): Promise<number> => {
  await using hand = await scene.deployment.stage.ground.servers.accounting.connect()
  const { rows } = await hand.query<{ number: number }>(
    `select number::int from accounting.position where consumer = 'ledger'`,
  )
  return rows[0]?.number ?? 0
}

const mostAgain = 2_000

const republish = async (scene: Scene): Promise<void> => {
  const { deployment } = scene
  const say = async () => {
    const range = someRange(scene, await appliedNow(scene), mostAgain)
    await deployment.stage.operate(deployment, 'task-tracker', 'Republish', range)
  }
  await waits(scene, 'events are said again', () => asks(say()))
}

/** What may come of delivering what was there already. */
const harmless: readonly string[] = ['already', 'discarded', 'still_parked']

const deliverTo = async ({ deployment: { stage } }: Scene, part: Part, batch: EventBatch): Promise<Delivery[]> => {
  const input = { consumer: 'ledger', batch, dryRun: false }
  const { outcomes } = (await stage.operate(part.process, 'accounting', 'Deliver', input)) as { outcomes: Delivery[] }
  return outcomes
}

/** By hand and to both replicas at once. Throws when any of it was new to the ledger. */
const redeliver = async (scene: Scene): Promise<void> => {
  const { deployment } = scene
  const { stage } = deployment
  let outcomes: readonly Delivery[] = []
  const deliver = async () => {
    const { from, to } = someRange(scene, await appliedNow(scene), mostAgain)
    const input = { from: from - 1, limit: to - from + 1 }
    const batch = (await stage.operate(deployment, 'task-tracker', 'ReadLog', input)) as EventBatch
    const parts = deployment.of('accounting')
    outcomes = (await Promise.all(parts.map((part) => deliverTo(scene, part, batch)))).flat()
  }
  await waits(scene, 'a batch is delivered again', () => asks(deliver()))
  const wrong = outcomes.find(({ outcome }) => !harmless.includes(outcome))
  if (wrong) throw new Error(`delivered again, an event was ${JSON.stringify(wrong)}`)
}

export const eventFaults: readonly Fault[] = [
  { does: 'poisoned events', to: 'events', by: poison(1, 5) },
  { does: 'a whole batch of poisoned events', to: 'events', by: poison(25, 40) },
  { does: 'the ledger out of order, and mended', to: 'events', by: mend },
  { does: 'events said again', to: 'events', by: republish },
  { does: 'a whole batch delivered again', to: 'events', by: redeliver },
]
