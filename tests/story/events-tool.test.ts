// The operators' tool shows of events what the page shows, and does what it does.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { alertLine, differenceLine, statusLines } from '../../events-lines.ts'
import { eventsCommand } from '../../events-tool.ts'
import { seen } from '../../services/operations/operations.test-support.ts'
import {
  aDifference,
  anAlert,
  anExplainedDifference,
  troubledOverview,
} from '../../services/web/operations.test-support.ts'
import { addPeople, startSystem, type System } from '../support/system.ts'
import { addTasks, inTurn } from '../support/tasks.ts'

describe('the status', () => {
  const lines = statusLines(troubledOverview())
  const has = (line: string) => assert.ok(lines.includes(line), `${line}\n\n${lines.join('\n')}`)

  test('names who is silent, and what those who are not say of themselves', () => {
    const [identity, , accounting] = troubledOverview().services
    const [trouble] = accounting?.instances[0]?.troubles ?? []
    has(`identity: silent since 2026-03-14T11:50:00Z, ${identity?.silentReason}`)
    has('task-tracker: head 4321, published 4300, 7 without a number')
    has('accounting: 1 process in the last half minute')
    has(`trouble in accounting, process one since 2026-03-14T11:50:00Z: ${trouble?.part}: ${trouble?.what}`)
  })

  test('names both sides of a breaker that is not closed, and none that is', () => {
    has('breaker from accounting, process one, to task-tracker: open')
    const closed = troubledOverview()
    const breakers = [{ service: 'task-tracker', state: 'closed' as const }]
    const services = closed.services.map((one) => ({
      ...one,
      instances: one.instances.map((each) => ({ ...each, breakers })),
    }))
    assert.doesNotMatch(statusLines({ ...closed, services }).join('\n'), /breaker/)
  })

  test('tells of web its processes only: it has no stream', () => {
    const { services, ...others } = troubledOverview()
    const [breaking] = services.flatMap(({ instances }) => instances)
    assert.ok(breaking)
    const at = others.now
    const web = { name: 'web', seenAt: at, silentSince: null, silentReason: null, stream: null, instances: [breaking] }
    assert.deepEqual(
      statusLines({ ...others, services: [web] }).filter((line) => /^web|from web/.test(line)),
      ['web: 1 process in the last half minute', 'breaker from web, process one, to task-tracker: open'],
    )
  })

  test('names a job that has not ended, how far it is, and its reason and error', () => {
    has(
      'job 5 ReassignTasks of task-tracker: waiting (nobody_assignable), last step 2026-03-14T11:50:00Z, progress {"done":10,"total":100}, trouble: deadlock detected',
    )
    const { jobs, ...others } = troubledOverview()
    const ended = jobs.map((job) => ({ ...job, state: 'done' as const }))
    assert.doesNotMatch(statusLines({ ...others, jobs: ended }).join('\n'), /^job/m)
  })

  test('names where a forked consumer parts from its stream', () => {
    has('task-tracker roster: agrees with identity up to 10, differs from 12')
  })
})

test('an alert says what it is about, since when, and whether it is over', () => {
  const since = '2026-03-14T11:50:00Z ConsumerLag (warning) ledger of accounting in task-tracker'
  assert.equal(alertLine(anAlert), `${since}: raised: ${anAlert.text}`)
  assert.match(alertLine({ ...anAlert, clearedAt: '2026-03-14T11:59:00Z' }), /: cleared 2026-03-14T11:59:00Z: /)
})

test('a difference names the event, and what each side says', () => {
  assert.equal(
    differenceLine(aDifference),
    '2026-03-14T11:50:00Z log-ledger task-tracker #4200: missing, still there, expected {"taskId":77}, found nothing',
  )
  assert.match(differenceLine(anExplainedDifference), /missing, explained, .*, discarded: sent twice$/)
})

describe('beside services that run', () => {
  let system: System
  before(async () => {
    system = await startSystem()
    const popugIds = (await addPeople(system, ['popug'])).map(({ id }) => id ?? 0)
    await addTasks(system, inTurn(3, popugIds))
    await system.host.settle()
    await seen('the ledger', system, ({ consumers }) =>
      consumers.some(({ consumer, number }) => consumer === 'ledger' && number === 3),
    )
  })
  after(() => system[Symbol.asyncDispose]())

  /** What it says, and last whether it succeeded. */
  const events = async (...args: readonly string[]): Promise<(string | boolean)[]> => {
    const said: string[] = []
    const done = await eventsCommand(args)(system.host, (line) => said.push(line))
    return [...said, done]
  }

  test('a range is planned as it would be delivered to one consumer, or to all over the bus', async () => {
    assert.deepEqual(await events('refetch', 'accounting', 'ledger', '0', '9', '--dry-run'), [
      'already: 3',
      'looked at task-tracker up to 3; the consumer would be at 3; nothing was changed',
      true,
    ])
    assert.deepEqual(await events('redeliver', 'task-tracker', '0', '9', '--dry-run'), [
      'accounting ledger: already: 3',
      'accounting ledger: would be at 3',
      'looked at task-tracker up to 3, with 1 consumer; nothing was changed',
      true,
    ])
    assert.deepEqual(await events('acts'), ['none', true])
  })

  test('what was found is listed, though it is nothing', async () => {
    assert.deepEqual(await events('alerts'), ['none', true])
    assert.deepEqual(await events('differences', '--all'), ['none', true])
    assert.match((await events('status')).join('\n'), /^accounting ledger: at 3 of task-tracker, 0 behind, running, /m)
  })

  test('an act that waits is cancelled, once, and the log names who asked for what', async () => {
    // No service answers by this name, so it would wait for ever.
    const [waiting] = await system.database.query<{ id: number }>(`
      insert into operations.act (kind, service, input, requested_as, requested_at)
      values ('redeliver', 'payroll', '{"after":0,"upTo":1}', 'Ada', now()) returning id`)
    const id = String(waiting?.id)
    const [end, done] = await events('cancel', id)
    assert.match(String(end), new RegExp(`^act ${id} redeliver: cancelled`))
    assert.equal(done, true)
    assert.deepEqual(await events('cancel', '999'), ['refused: act_not_found {}', false])
    assert.equal((await events('redeliver', 'task-tracker', '0', '3', '--by', 'Eve')).at(-1), true)
    const log = (await events('acts')).join('\n')
    assert.match(log, /^\S+ Eve at the command line: act \d+: redeliver task-tracker: done, 3 done, 0 failed$/m)
    assert.match(log, /^\S+ Ada at the command line: act \d+: redeliver payroll: cancelled, 0 done, 0 failed$/m)
  })
})
