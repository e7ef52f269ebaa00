// Family 11: events that cannot be applied, one or many; versions and fields that a consumer does not know.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import { localBus } from '../../adapters/bus/local.ts'
import { databaseClock } from '../../adapters/database/postgres.ts'
import { systemRandom } from '../../adapters/random.ts'
import { localTransport } from '../../adapters/transport/local.ts'
import { type Host, startHost } from '../../kernel/host.ts'
import type { Consumer } from '../../kernel/service.ts'
import { accounting } from '../../services/accounting/service.ts'
import { silent } from '../support/silent.ts'
import { numbersOf, plantTasks, sayForged } from './planting.ts'
import { openStage, type Stage } from './stage.ts'

const begun = async (stage: Stage): Promise<ApplicationProcess> => {
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  await stage.traffic(process, 15)
  return process
}

/** What no schema of ours lets pass. */
const poisons: readonly unknown[] = [
  null,
  'words',
  [],
  {},
  { taskId: 'one', popugId: 2, assignment: 1 },
  { taskId: 1, popugId: 0, assignment: 1 },
  { taskId: 1, popugId: 2 },
  { taskId: 2 ** 31, popugId: 2, assignment: 1 },
  { taskId: 1.5, popugId: 2, assignment: 1 },
]

test('each kind of poison is parked alone, and what stands around it is applied', async () => {
  await using stage = await openStage('family 11, alone')
  const process = await begun(stage)
  const ids: string[] = []
  for (const data of poisons) {
    ids.push(...(await sayForged(stage, [{ data }])))
    await stage.traffic(process, stage.draw(1, 5))
  }
  const unheard = await sayForged(stage, [{ type: 'TaskExploded', data: { taskId: 1 } }])
  await stage.traffic(process, 5)
  await stage.settled()
  const parked = await numbersOf(stage, ids)
  const expected = { parked, ignored: await numbersOf(stage, unheard) }
  await stage.audit(expected)
  assert.notEqual(await stage.retryParked(process, parked[0] ?? 0), 'applied')
  await stage.discardParked(process, parked[1] ?? 0)
  await process.kill()
  const next = await stage.start()
  await stage.recovers(next)
  await stage.traffic(next, 10)
  await stage.audit(expected)
  await next.stop()
})

interface Positions {
  readonly positions: readonly { consumer: string; number: number; state: string; reason: string | null }[]
  readonly undelivered: readonly { consumer: string; reason: string }[]
}

const positionsOf = async (stage: Stage, process: ApplicationProcess): Promise<Positions> =>
  (await stage.operate(process, 'accounting', 'GetState', {})) as Positions

const ledgerIs = async (stage: Stage, process: ApplicationProcess, state: string): Promise<boolean> => {
  const { positions } = await positionsOf(stage, process)
  return positions.some((position) => position.consumer === 'ledger' && position.state === state)
}

test('a whole batch of poison pauses the consumer, also when it is killed over it, until a person lets it go on', async () => {
  await using stage = await openStage('family 11, batch')
  const first = await begun(stage)
  await stage.settled()
  first.arm({ step: 'park', of: 'accounting', when: 'after', nth: stage.draw(1, 19), act: 'kill' })
  const ids = await sayForged(
    stage,
    Array.from({ length: 30 }, () => ({ data: { taskId: stage.draw(-9, 0) } })),
  )
  await first.killed()
  const next = await stage.start()
  await stage.until('the ledger is paused', () => ledgerIs(stage, next, 'paused'))
  await stage.traffic(next, 15)
  const { positions, undelivered } = await positionsOf(stage, next)
  assert.match(
    positions.find(({ consumer }) => consumer === 'ledger')?.reason ?? '',
    /more than 20 events parked in a row/,
  )
  assert.ok(undelivered.some(({ consumer }) => consumer === 'ledger'))
  await stage.operate(next, 'accounting', 'SetConsumerState', { consumer: 'ledger', state: 'running', reason: '' })
  await stage.recovers(next)
  await stage.settled()
  const parked = await numbersOf(stage, ids)
  assert.equal(parked.length, 30)
  await stage.audit({ parked })
  await next.stop()
})

test('fields that a newer producer adds are no matter to an older consumer, however large', async () => {
  await using stage = await openStage('family 11, added fields')
  const process = await begun(stage)
  const more = { priority: 'high', history: 'x'.repeat(stage.draw(100_000, 300_000)) }
  const committed = await plantTasks(stage, 3, stage.hand, { more })
  committed()
  await stage.traffic(process, 10)
  await stage.audit()
  await process.stop()
})

/** A replica of accounting whose ledger knows the next version of each event, which reads the log of the older one's process. */
const newerReplica = (stage: Stage, older: ApplicationProcess): Promise<Host> => {
  const newer = (consumer: Consumer): Consumer => ({
    ...consumer,
    subscriptions: consumer.subscriptions.map((subscription) => ({
      ...subscription,
      types: subscription.types.map((type) => ({ ...type, version: type.version + 1 })),
    })),
  })
  const service = accounting({ timeZone: 'UTC' })
  const database = stage.ground.database.open('accounting', { connections: 4 })
  return startHost({
    services: [{ ...service, consumers: service.consumers.map(newer) }],
    database: () => database,
    bus: localBus(),
    connect: (local) => localTransport(local, { call: (call) => older.call(call) }),
    clock: databaseClock,
    random: systemRandom,
    log: silent,
    migrate: false,
    loops: true,
    replicas: true,
  })
}

/** In this time who waits for a newer replica has let others read and has read again. */
const turnMs = 4_000

test('an event of a version that is not known waits, is shown, and is applied by a newer replica', async () => {
  await using stage = await openStage('family 11, newer version')
  const older = await begun(stage)
  await stage.settled()
  const committed = await plantTasks(stage, 2, stage.hand, { version: 2 })
  committed()
  const waiting = async () => {
    const { undelivered } = await positionsOf(stage, older)
    return undelivered.some(({ consumer, reason }) => consumer === 'ledger' && /knows TaskAssigned 2/.test(reason))
  }
  await stage.until('the event is shown as undelivered', waiting)
  await stage.traffic(older, 10)
  const end = performance.now() + turnMs
  await stage.until('a turn of leases has passed', async () => {
    assert.ok(await waiting(), 'it is not shown all the time')
    return performance.now() > end
  })
  await using newer = await newerReplica(stage, older)
  await stage.recovers(older)
  await stage.audit()
  await newer.stop()
  await older.stop()
})
