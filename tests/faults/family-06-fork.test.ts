// Family 6: the task tracker's database is restored to an earlier moment. The ledger notices, however it hears of it, and
// stops; a person decides; then it goes on, keeps what it had booked of the lost history, and names it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApplicationProcess } from './application-process.ts'
import { assertClean } from './assert-clean.ts'
import { audit } from './audit.ts'
import { type Backup, backUp } from './backup.ts'
import { ates } from './operators-tool.ts'
import { isForkShown } from './shown.ts'
import { openStage, type Stage } from './stage.ts'

const one = async (stage: Stage, text: string): Promise<Record<string, unknown>> => (await stage.query(text))[0] ?? {}
const all = async <Value>(stage: Stage, text: string): Promise<Value[]> =>
  (await stage.query(text)).map((row) => Object.values(row)[0] as Value)

const ledgerPosition = (stage: Stage) =>
  one(
    stage,
    `select number::int, event_id as "eventId", epoch, state from accounting.position where consumer = 'ledger'`,
  )
const bookings = (stage: Stage) => all<string>(stage, 'select event_id from accounting.posting order by event_id')

/** Events that lose against what a lost event has booked under their key. */
const contradicting = `
  select e.number::int from task_tracker.event e
  join accounting.posting p on p.task_id = (e.data->>'taskId')::int
    and p.kind = case e.type when 'TaskAssigned' then 'fee' else 'reward' end
    and p.assignment is not distinct from (e.data->>'assignment')::int
    and p.popug_id <> (e.data->>'popugId')::int
  order by 1`

/** Postings of events that no log has, but those whose place another event of the same content takes. */
const left = `
  select 'task-tracker #' || p.number || ' of epoch 1, ' || p.kind || ' of task ' || p.task_id
    || coalesce(', assignment ' || p.assignment, '')
  from accounting.posting p
  where not exists (select from task_tracker.event e where e.event_id = p.event_id)
    and not exists (select from task_tracker.event e where (e.data->>'taskId')::int = p.task_id
      and (e.data->>'popugId')::int = p.popug_id and (e.data->>'assignment')::int is not distinct from p.assignment
      and p.kind = case e.type when 'TaskAssigned' then 'fee' else 'reward' end)
  order by 1`

interface Restored {
  readonly process: ApplicationProcess
  /** The last event that both histories have. */
  readonly common: number
  readonly lost: readonly string[]
}

/** Traffic, a backup, more traffic that is applied, and then the restore, done and followed as `restore` says. */
const restored = async (
  stage: Stage,
  restore: (process: ApplicationProcess, backup: Backup) => Promise<ApplicationProcess>,
): Promise<Restored> => {
  const before = await stage.start()
  await stage.invite(before, 'manager', 'popug', 'popug')
  await stage.traffic(before, 20)
  await stage.settled()
  const { head: common } = await one(stage, 'select head::int from task_tracker.stream')
  const backup = await backUp(stage.query, 'task_tracker')
  const kept = stage.journal.attempts.length
  await stage.traffic(before, stage.draw(12, 20))
  await stage.settled()
  const lost = await all<string>(stage, `select event_id from task_tracker.event where number > ${String(common)}`)
  // Nobody can have back what the restore undoes; what clients were told of it is no promise of the database any more.
  stage.journal.attempts.splice(kept)
  return { process: await restore(before, backup), common: Number(common), lost }
}

const ways: Readonly<Record<string, (stage: Stage) => Parameters<typeof restored>[1]>> = {
  'a heartbeat, while nothing happens': () => async (process, backup) => {
    await backup.restore()
    return process
  },
  'the next batches': (stage) => async (process, backup) => {
    await backup.restore()
    await stage.traffic(process, 25, 8)
    return process
  },
  'reading the log at its start': (stage) => async (process, backup) => {
    await process.kill()
    await backup.restore()
    const next = await stage.start()
    await stage.traffic(next, 10)
    return next
  },
}

const reason = 'restored from the backup of last night'

describe('a task tracker that was restored to an earlier moment', () => {
  for (const [how, way] of Object.entries(ways)) {
    test(`is noticed by ${how}; the ledger waits for a decision, and nothing is undone or booked twice`, async () => {
      await using stage = await openStage(`family 6, ${how}`)
      let booked: string[] = []
      const { process, common, lost } = await restored(stage, async (running, backup) => {
        booked = await bookings(stage)
        return way(stage)(running, backup)
      })
      await stage.until('a fork', async () => (await ledgerPosition(stage))['state'] === 'forked')
      assert.ok(await isForkShown(process, 'ledger'))
      const stopped = await ledgerPosition(stage)
      assert.deepEqual([stopped['number'], stopped['epoch']], [common + lost.length, 1])
      assert.ok(lost.includes(String(stopped['eventId'])), 'the position was touched')
      await stage.traffic(process, 5)
      assert.deepEqual(await bookings(stage), booked, 'something was booked without a decision')

      const planned = await ates(stage, 'events', 'accept', 'accounting', 'ledger', reason)
      assert.match(planned.out, new RegExp(`would go on after event ${common} of task-tracker, in epoch 2`))
      const elsewhere = await ates(
        stage,
        'events',
        'accept',
        'accounting',
        'ledger',
        '--after',
        `${common + 1}`,
        reason,
      )
      assert.match(elsewhere.out, new RegExp(`refused: parts_elsewhere {"after":${common}}`))
      assert.deepEqual([planned.code, elsewhere.code], [0, 1])
      assert.deepEqual(await ledgerPosition(stage), stopped, 'a plan changed something')

      const accepted = await ates(stage, 'events', 'accept', 'accounting', 'ledger', '--after', `${common}`, reason)
      assert.equal(accepted.code, 0, accepted.out)
      await stage.recovers(process)
      await stage.traffic(process, 15)
      await stage.settled()
      assert.equal((await ledgerPosition(stage))['epoch'], 2)
      assert.ok(!(await isForkShown(process, 'ledger')))
      await assertTruthful(stage, lost)
      await process.stop()
    })
  }
})

test('an identity that was restored is heard anew by those who keep people: who was lost is drawn no more', async () => {
  await using stage = await openStage('family 6, identity')
  const process = await stage.start()
  await stage.invite(process, 'manager', 'popug', 'popug')
  const backup = await backUp(stage.query, 'identity')
  const kept = { attempts: stage.journal.attempts.length, people: stage.people.length }
  await stage.invite(process, 'popug', 'popug')
  const lost = stage.people.splice(kept.people)
  stage.journal.attempts.splice(kept.attempts)
  await backup.restore()
  const stopped = `select consumer from task_tracker.position where state = 'forked'
    union all select consumer from accounting.position where state = 'forked'
    union all select consumer from operations.position where state = 'forked' order by 1`
  await stage.until('all stop', async () => (await all<string>(stage, stopped)).join() === 'holders,names,roster')
  for (const [service, consumer] of [
    ['task-tracker', 'roster'],
    ['accounting', 'holders'],
    ['operations', 'names'],
  ] as const) {
    assert.ok(await isForkShown(process, consumer), `that ${consumer} stands still is not shown`)
    const accepted = await ates(stage, 'events', 'accept', service, consumer, '--after', '0', reason)
    assert.equal(accepted.code, 0, accepted.out)
  }
  await stage.recovers(process)
  await stage.settled()
  const drawn = await all<number>(stage, 'select id from task_tracker.popug where assignable order by id')
  assert.deepEqual(
    drawn.filter((id) => lost.some((person) => person.id === id)),
    [],
  )
  assert.ok(drawn.length > 0, 'nobody is drawn any more')
  // Their numbers are given to others, who are then known by what is said of them now.
  await stage.invite(process, 'popug', 'popug')
  assert.deepEqual(
    stage.people.slice(-2).map(({ id }) => id),
    lost.map(({ id }) => id),
  )
  await stage.traffic(process, 20)
  await stage.audit()
  await process.stop()
})

/** The audit finds nothing but what was lost, the ledger's own verification names exactly that, and a replay agrees. */
const assertTruthful = async (stage: Stage, lost: readonly string[]) => {
  const conflicts = await all<number>(stage, contradicting)
  const expected = { lost: { eventIds: lost, contradicting: conflicts } }
  assertClean(await audit(stage.hand, stage.journal.attempts, expected))
  const unforgiving = await audit(stage.hand, stage.journal.attempts)
  assert.ok(unforgiving.length > 0, 'the audit overlooks postings of lost events')

  const differences = await all<string>(stage, left)
  const verified = await ates(stage, 'ledger', 'verify')
  const named = verified.out.split('\n').flatMap((line) => /^(.*): the event is in the history/.exec(line)?.[1] ?? [])
  assert.deepEqual(named.toSorted(), differences)
  assert.match(verified.out, new RegExp(`: ${differences.length} differences$`, 'm'))
  assert.match(verified.out, /^against the event log: .*: 0 differences$/m)
  assert.equal(verified.code, differences.length > 0 ? 1 : 0)
  const before = await one(stage, 'select md5(string_agg(a::text, id order by id)) as sums from accounting.account a')
  const swapped = await ates(stage, 'replay', 'accounting', '--swap')
  assert.match(swapped.out, / 0 differences, swapped$/m)
  const after = await one(stage, 'select md5(string_agg(a::text, id order by id)) as sums from accounting.account a')
  assert.deepEqual(after, before, 'a replay that is swapped in undoes money')
}
