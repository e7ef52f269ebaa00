// Family 3: a consumer is killed before its changes are committed, and after that before anybody has heard of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceName } from '../../config.ts'
import type { Output } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import type { operations } from '../../services/operations/contract.ts'
import type { ApplicationProcess } from './application-process.ts'
import { openStage, type Stage } from './stage.ts'

interface Applier {
  readonly step: `apply.${string}`
  /** Whose consumer it is, by the schema, and of which service's events. */
  readonly of: string
  readonly stream: ServiceName
}

const consumers: Readonly<Record<string, Applier>> = {
  ledger: { step: 'apply.ledger', of: 'accounting', stream: 'task-tracker' },
  holders: { step: 'apply.holders', of: 'accounting', stream: 'identity' },
  roster: { step: 'apply.roster', of: 'task_tracker', stream: 'identity' },
}

const position = async ({ query }: Stage, { step, of }: Applier): Promise<number> => {
  const [row] = await query(`select number::int from ${of}.position where 'apply.' || consumer = $1`, [step])
  return Number(row?.['number'])
}

/** Tasks move the ledger, a new person moves the two others. */
const work = async (stage: Stage, process: ApplicationProcess): Promise<void> => {
  const orders = Array.from({ length: stage.draw(3, 10) }, () => stage.clients.create())
  await Promise.all([...orders, stage.clients.invite('popug')].map((order) => stage.send(process, order)))
}

/** What operations says does not arrive at the ledger, or did not. */
const undelivered = async (process: ApplicationProcess) => {
  const call = { service: 'operations', method: 'GetOverview', input: {}, requestId: 'undelivered' }
  const answer = must(await process.call({ ...call, actor: { id: 1, role: 'manager' } }))
  return (answer as Output<typeof operations.getOverview>).undelivered.filter(({ consumer }) => consumer === 'ledger')
}

/** A batch holds what has come together, so that it is not known beforehand how much work is so many batches. */
const mostRounds = 10

const dieApplying = async (
  stage: Stage,
  process: ApplicationProcess,
  applier: Applier,
  when: 'before' | 'after',
): Promise<ApplicationProcess> => {
  const { step, of, stream } = applier
  const begun = await position(stage, applier)
  process.arm({ step, of, when, nth: stage.draw(1, 3), act: 'kill' })
  for (let round = 0; round < mostRounds && process.isAlive; round += 1) await work(stage, process)
  await process.killed()
  const applied = await position(stage, applier)
  if (when === 'after') assert.ok(applied > begun, 'it died without having committed')
  else if (stage.ground.broker) assert.ok((await stage.copies(applied + 1, stream)).length > 0, 'nothing had come')
  const next = await stage.start()
  await stage.recovers(next)
  await stage.audit()
  return next
}

test('a consumer that is killed around its commit applies each event once', async (t) => {
  await using stage = await openStage('family 3')
  let process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  for (const [name, applier] of Object.entries(consumers)) {
    for (const when of ['before', 'after'] as const) {
      await t.test(`${name}, ${when} its commit`, async () => {
        process = await dieApplying(stage, process, applier, when)
      })
    }
  }
  await process.stop()
})

test('a consumer that is killed again and again while it catches up gets there', async () => {
  await using stage = await openStage('family 3, catching up')
  const first = await stage.start()
  await stage.invite(first, 'manager', 'popug', 'popug')
  await first.stop()
  const producer = await stage.start({ step: 'apply.ledger', of: 'accounting', when: 'before', nth: 1, act: 'hang' })
  await stage.traffic(producer, 60, 8)
  await stage.until('that they do not arrive is shown', async () => (await undelivered(producer)).length > 0)
  const [shown] = await undelivered(producer)
  assert.equal(shown?.healedAt, null)
  await producer.kill()
  for (const when of ['before', 'after'] as const) {
    const next = await stage.start({ step: 'apply.ledger', of: 'accounting', when, nth: 1, act: 'kill' })
    await next.killed()
  }
  const last = await stage.start()
  await stage.recovers(last)
  await stage.audit()
  const healed = (await undelivered(last)).find(({ id }) => id === shown?.id)
  assert.ok(healed?.healedAt, 'that they have arrived is not shown')
  await last.stop()
})
