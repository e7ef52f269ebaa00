// A process that is told to stop says so to load balancers first, and serves until they have heard it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRunning } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/server.ts'
import { schemas } from '../support/system.ts'

test('it is not ready, still answers, and then is gone', async () => {
  await using database = await freshDatabase(schemas)
  await using running = await startRunning({ database, settings: { ATES_DRAIN_SECONDS: '2' } })
  const { url, application } = running
  const ready = async () => {
    const response = await fetch(`${url}/health/ready`)
    return { status: response.status, body: await response.json() }
  }
  assert.equal((await ready()).status, 200)
  const stopped = application.stop()
  const said = await eventually('it says that it stops', async () => {
    const answer = await ready()
    return answer.status === 503 && answer
  })
  assert.deepEqual(said.body, { ready: false, troubles: ['this process'] })
  assert.equal((await fetch(`${url}/sign-in`)).status, 200)
  await stopped
  await assert.rejects(fetch(`${url}/health/live`))
})
