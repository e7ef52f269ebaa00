// What load balancers and operators hear of a process: the former which parts are in trouble, the latter with what.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Health } from '../../kernel/host.ts'
import { healthHandler } from './http-server.ts'

const trouble = 'password authentication failed for user "ates_accounting"'
const broken: Health = { ready: false, troubles: { 'database of accounting': trouble } }

const ask = async (answer: ReturnType<typeof healthHandler>, path: string) => {
  const response = await answer(new Request(`http://here${path}`))
  assert.ok(response)
  return { status: response.status, cached: response.headers.get('cache-control'), text: await response.text() }
}

test('anybody hears that a process is not ready and which parts are in trouble, and no word of theirs', async () => {
  const said = await ask(
    healthHandler(() => Promise.resolve(broken)),
    '/health/ready',
  )
  assert.deepEqual([said.status, said.cached], [503, 'no-store'])
  assert.deepEqual(JSON.parse(said.text), { ready: false, troubles: ['database of accounting'] })
  assert.doesNotMatch(said.text, /password/)
})

test('operators hear the words', async () => {
  const answer = healthHandler(() => Promise.resolve(broken), 'everything')
  const said = await ask(answer, '/health/ready')
  assert.deepEqual(JSON.parse(said.text), { ready: false, troubles: { 'database of accounting': trouble } })
})

test('a process that is not ready is alive, and other addresses are for others', async () => {
  const answer = healthHandler(() => Promise.resolve(broken))
  assert.equal((await ask(answer, '/health/live')).status, 200)
  assert.equal(await answer(new Request('http://here/metrics')), null)
})
