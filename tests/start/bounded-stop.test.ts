// A stop ends in time also when the database answers no commit; what it could not wait for is there at the next start.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApplication } from '../../application.ts'
import { readConfig } from '../../config.ts'
import { must } from '../../kernel/result.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { StopError } from '../../stopping.ts'
import { databaseSettings, sharedSettings, startRunning } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { rememberingLog } from '../support/remembering.ts'
import { freshDatabase } from '../support/server.ts'
import { silent } from '../support/silent.ts'
import { as, schemas } from '../support/system.ts'

/** From now on whoever gives numbers to events waits in their commit, as for a standby that is gone. */
const hang = `
  create function task_tracker.hang() returns trigger language plpgsql as $$ begin perform pg_sleep(3600); return null; end $$;
  create constraint trigger hang after update on task_tracker.stream deferrable initially deferred
    for each row execute function task_tracker.hang()`
const hanging = `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
/** What such a session holds, it holds until its server notices that nobody waits for it. */
const end = `select pg_terminate_backend(pid, 20000) from (${hanging}) h`

test(
  'a stop in vain ends within its limit, says what it waited for, and the next start applies what is open',
  { timeout: 60_000 },
  async () => {
    await using database = await freshDatabase(schemas)
    const { log, lines } = rememberingLog()
    const first = await startRunning({ database, log, settings: { ATES_STOP_SECONDS: '1' } })
    const { id } = first.members.popug
    await database.query(hang)
    const created = await first.application.host.call(
      taskTracker.createTask,
      { description: 'feed the parrot', popugId: id },
      as({ id: first.members.manager.id, role: 'manager' }),
    )
    const { taskId } = must(created)
    await eventually('a commit hangs', async () => (await database.query(hanging)).length > 0)

    const begun = performance.now()
    await assert.rejects(first.application.stop(), (error: unknown) => {
      assert.ok(error instanceof StopError)
      assert.match(error.message, /not stop in order within 1 s\. .*task_tracker: relay\.number/)
      return true
    })
    const tookMs = performance.now() - begun
    assert.ok(tookMs < 20_000, `it took ${tookMs} ms`)
    const [cut, ...left] = lines.filter((line) => line.startsWith('stopping takes too long'))
    assert.match(cut ?? '', /connections to databases are cut .*relay\.number/)
    assert.deepEqual(left, [], 'something was left behind')
    await assert.rejects(first.application.stop(), StopError, 'who asks again is told the same')

    await database.query(end)
    await database.query('drop trigger hang on task_tracker.stream')
    const settings = { ATES_PORT: '0', ...databaseSettings(database), ...(await sharedSettings()) }
    await using again = await startApplication({ config: readConfig([], settings), log: silent })
    await again.host.settle()
    const postings = await database.query<{ kind: string }>('select kind from accounting.posting where task_id = $1', [
      taskId,
    ])
    assert.deepEqual(postings, [{ kind: 'fee' }])
  },
)
