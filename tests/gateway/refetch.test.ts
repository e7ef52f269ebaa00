// Events are fetched once more over the public API: what the dry run says is what happens, once, and who asked is kept.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Output } from '../../kernel/contract.ts'
import type { operations } from '../../services/operations/contract.ts'
import { refusePrices } from '../../services/operations/operations.test-support.ts'
import type { Role } from '../../services/vocabulary.ts'
import { type Running, startRunning } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { checkInvariants } from '../support/invariants.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

type Act = Output<typeof operations.getAct>
type Overview = Output<typeof operations.getOverview>
type Plan = Output<typeof operations.planDelivery>
type Redelivery = Output<typeof operations.planRedelivery>

const ledger = { service: 'accounting', consumer: 'ledger' }

describe('events that are fetched once more', () => {
  let database: TestDatabase
  let running: Running
  let isHeld = false
  before(async () => {
    database = await freshDatabase(schemas)
    running = await startRunning({
      database,
      decorations: {
        // While it is held, the ledger's own reader applies nothing; a delivery by hand goes another way.
        database: (one) => ({
          ...one,
          transaction: (name, work, options) =>
            isHeld && name === 'apply.ledger'
              ? Promise.reject(Object.assign(new Error('held'), { code: '57P01' }))
              : one.transaction(name, work, options),
        }),
      },
    })
  })
  after(async () => {
    await running[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  const ask = async (role: Role, method: string, path: string, body?: object, key?: string) => {
    const headers = {
      cookie: running.members[role].cookie,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    }
    const content = body ? { body: JSON.stringify(body) } : {}
    const response = await fetch(`${running.url}/api/v1${path}`, { method, headers, ...content })
    return { status: response.status, answer: await response.json() }
  }
  const get = async <T>(role: Role, path: string): Promise<T> => {
    const { status, answer } = await ask(role, 'GET', path)
    assert.equal(status, 200, path)
    return answer as T
  }
  const addTasks = async (count: number) => {
    const { id: popugId } = running.members.popug
    for (let added = 0; added < count; added += 1) {
      const sent = await ask('manager', 'POST', '/task-tracker/tasks', { description: 'Feed the parrots', popugId })
      assert.equal(sent.status, 200)
    }
  }
  /** The ledger as the watcher saw it. */
  const ledgerSeen = async () => {
    const { consumers } = await get<Overview>('manager', '/operations/overview')
    return consumers.find(({ service, consumer }) => service === ledger.service && consumer === ledger.consumer)
  }
  const ledgerIsAt = (number: number, head: number, parked: number) =>
    eventually(`the ledger at ${number} of ${head}`, async () => {
      const seen = await ledgerSeen()
      return seen?.number === number && seen.head === head && seen.parked === parked
    })
  const range = { after: 0, upTo: 6 }
  const plan = async (role: Role, { after: from, upTo } = range) =>
    get<Plan>(role, `/operations/delivery-plan?service=accounting&consumer=ledger&after=${from}&upTo=${upTo}`)
  const act = async (path: string, body: object, key: string) => {
    const { status, answer } = await ask('admin', 'POST', `/operations${path}`, { ...ledger, ...body }, key)
    assert.equal(status, 200)
    return answer as Act
  }
  const ended = ({ id }: Act) =>
    eventually(`act ${id} ends`, async () => {
      const now = await get<Act>('admin', `/operations/acts/${id}`)
      return now.finishedAt !== null && now
    })
  const counts = (all: readonly { what: string; count: number }[]) =>
    Object.fromEntries(all.map(({ what, count }) => [what, count]))
  const planned = ({ outcomes }: Pick<Plan, 'outcomes'>) =>
    counts(outcomes.map(({ outcome, count }) => ({ what: outcome, count })))
  const feesOf = async () => {
    const { lines } = await get<{ lines: readonly { kind: string; taskId: number }[] }>(
      'popug',
      `/accounting/accounts/${running.members.popug.id}`,
    )
    return lines
      .filter(({ kind }) => kind === 'fee')
      .map(({ taskId }) => taskId)
      .toSorted((a, b) => a - b)
  }

  test('are first shown as what would become of each, which changes nothing', async () => {
    const mend = await refusePrices({ database }, [2])
    await addTasks(3)
    await ledgerIsAt(3, 3, 1)
    await mend()
    isHeld = true
    await addTasks(3)
    await ledgerIsAt(3, 6, 1)
    for (const role of ['admin', 'manager'] as const) {
      const { outcomes, position, head, upTo } = await plan(role)
      assert.deepEqual([position, head, upTo], [6, 6, 6])
      assert.deepEqual(
        outcomes.map(({ outcome, numbers }) => [outcome, numbers]),
        [
          ['already', [1, 3]],
          ['was_parked_now_applied', [2]],
          ['applied', [4, 5, 6]],
        ],
      )
    }
    const { consumers } = await get<Redelivery>(
      'manager',
      '/operations/redelivery-plan?stream=task-tracker&after=0&upTo=6',
    )
    assert.deepEqual(
      consumers.map(({ consumer, position, outcomes }) => [consumer, position, planned({ outcomes })]),
      [['ledger', 6, { already: 2, still_parked: 1, applied: 3 }]],
    )
    assert.deepEqual(await feesOf(), [1, 3])
    assert.deepEqual((await get<{ acts: readonly Act[] }>('manager', '/operations/acts')).acts, [])
  })

  test('are refused to a manager, and nothing is written down', async () => {
    const { status, answer } = await ask('manager', 'POST', '/operations/events/refetch', { ...ledger, ...range })
    assert.deepEqual([status, answer.code], [403, 'forbidden'])
    assert.deepEqual((await get<{ acts: readonly Act[] }>('manager', '/operations/acts')).acts, [])
  })

  test('become exactly what was said, once, however often the same is asked for', async () => {
    const said = await plan('admin')
    const first = await act('/events/refetch', range, 'refetch-1')
    const done = await ended(first)
    assert.deepEqual([done.state, done.total, done.done, done.failed, done.note], ['done', 6, 6, 0, null])
    assert.deepEqual(counts(done.results), planned(said))
    assert.deepEqual(await feesOf(), [1, 2, 3, 4, 5, 6])
    assert.equal((await act('/events/refetch', range, 'refetch-1')).id, first.id)

    assert.deepEqual(planned(await plan('admin')), { already: 6 })
    const again = await ended(await act('/events/refetch', range, 'refetch-2'))
    assert.notEqual(again.id, first.id)
    assert.deepEqual(counts(again.results), { already: 6 })
    assert.deepEqual(await feesOf(), [1, 2, 3, 4, 5, 6])
    isHeld = false
    await ledgerIsAt(6, 6, 0)
  })

  test('wait where the consumer is paused, as the plan says', async () => {
    const reason = 'the auditor is here'
    await ended(await act('/consumers/pause', { reason }, 'pause-1'))
    await addTasks(1)
    await ledgerIsAt(6, 7, 0)
    const more = { after: 5, upTo: 7 }
    const said = await plan('manager', more)
    assert.deepEqual(planned(said), { already: 1, beyond: 1 })
    const done = await ended(await act('/events/refetch', more, 'refetch-3'))
    assert.deepEqual([counts(done.results), done.failed], [planned(said), 1])
    assert.match(done.results.find(({ what }) => what === 'beyond')?.example ?? '', /paused: the auditor is here/)
    assert.deepEqual(await feesOf(), [1, 2, 3, 4, 5, 6])
    await ended(await act('/consumers/resume', {}, 'resume-1'))
    await ledgerIsAt(7, 7, 0)
  })

  test('stand in the operator log with who asked, for a manager, too', async () => {
    const { acts } = await get<{ acts: readonly Act[] }>('manager', '/operations/acts')
    const { id } = running.members.admin
    assert.deepEqual(
      acts.map(({ kind, service, consumer, requestedBy }) => [kind, service, consumer, requestedBy]),
      ['resume', 'refetch', 'pause', 'refetch', 'refetch'].map((kind) => [kind, 'accounting', 'ledger', id]),
    )
    assert.deepEqual(
      acts.filter(({ kind }) => kind === 'refetch').map(({ input }) => input),
      [{ after: 5, upTo: 7 }, range, range],
    )
    const { host } = running.application
    await checkInvariants({ host, call: host.call, database })
  })
})
