// A stop under load: whoever's request was taken gets its answer, and every event of it reaches the ledger.
import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { install, limitMs } from './terminal.ts'
import { foundCompany, type Visitor } from './visitor.ts'

interface Heard {
  readonly description: string
  /** Null when no answer came. */
  readonly status: number | null
  /** True when the stop had been asked for before the answer. */
  readonly late: boolean
}

/** One request to create a task, over a connection of its own or a kept one. */
const create = (visitor: Visitor, description: string, agent: Agent | false): Promise<number | null> =>
  new Promise((resolve) => {
    const headers = { ...visitor.headers, 'content-type': 'application/json' }
    const sent = request(`${visitor.url}/api/v1/task-tracker/tasks`, { method: 'POST', headers, agent })
    sent.once('error', () => resolve(null))
    sent.once('response', (response) => {
      response.once('error', () => resolve(null))
      response.resume().once('end', () => resolve(response.statusCode ?? null))
    })
    sent.end(JSON.stringify({ description }))
  })

/** Creates tasks as fast as they are answered, until one is not. */
const client = async (
  visitor: Visitor,
  name: string,
  agent: Agent | false,
  stopping: () => boolean,
  heard: Heard[],
): Promise<void> => {
  for (let count = 1; ; count += 1) {
    const description = `${name} task ${count}`
    const status = await create(visitor, description, agent)
    heard.push({ description, status, late: stopping() })
    if (status === null) return
  }
}

const clients = 16
const answersBefore = 200

test('a Ctrl-C under load cuts no request that was taken, and no event is lost', async () => {
  await using home = await install()
  const running = await home.start()
  const [, link = ''] = await running.command.saying(/^Make the first administrator, once: (\S+)$/m)
  const { manager, admin } = await foundCompany(link)

  const heard: Heard[] = []
  const agent = new Agent({ keepAlive: true })
  const stopping = () => running.command.out.includes('Stopping ...')
  const load = Array.from({ length: clients }, (_, index) =>
    client(manager, `client ${index}`, index % 2 === 0 ? agent : false, stopping, heard),
  )
  await eventually(`${answersBefore} answers`, () => heard.length >= answersBefore, limitMs)
  assert.equal(await running.command.interrupt(), 0)
  await Promise.all(load)
  agent.destroy()
  assert.deepEqual(home.servers, [])

  const answered = heard.filter(({ status }) => status !== null)
  assert.deepEqual([...new Set(answered.map(({ status }) => status))], [200])
  assert.ok(
    answered.some(({ late }) => late),
    'nothing was under way when it stopped',
  )

  const again = await home.start()
  admin.url = again.url
  const kept = await home.query<{ description: string }>(
    `select description from task_tracker.task_text where description like 'client %'`,
  )
  const descriptions = (of: readonly { description: string }[]) => of.map(({ description }) => description).toSorted()
  assert.deepEqual(descriptions(kept), descriptions(answered))
  const unpaid = `select from task_tracker.task t where not exists (
    select from accounting.posting p where p.task_id = t.id and p.kind = 'fee')`
  await eventually('every task is charged', async () => (await home.query(unpaid)).length === 0, limitMs)
  const { differences } = await admin.get<{ differences: [] }>('GET accounting/ledger/verification')
  assert.deepEqual(differences, [])
  assert.equal(await again.command.interrupt(), 0)
})
