// Ten thousand requests drawn at random from the API's own description, by people of all roles and by nobody: never a
// fault, never somebody's session in an answer, and afterwards everything that was acknowledged has happened once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { OpenApiDocument } from '../../kernel/openapi.ts'
import { must } from '../../kernel/result.ts'
import { standardContract } from '../../kernel/standard.ts'
import { operations } from '../../services/operations/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { openScene, type Scene } from '../access/scene.ts'
import { assertClean } from '../faults/assert-clean.ts'
import { audit, type Learned } from '../faults/audit.ts'
import { Journal, type Order } from '../faults/journal.ts'
import { eventually } from '../support/eventually.ts'
import { generator, seedOf } from '../support/random.ts'
import { as, asService } from '../support/system.ts'
import { type Answer, answerOf, faultIn } from './answers.ts'
import { operationsIn, randomRequests, type RandomRequest } from './random-requests.ts'

const count = 10_000
const atOnce = 8
const leastHandled = 0.3
const mostShown = 20

type Who = Role | 'nobody'

/** One of the requests, with a name that no other one has. */
interface Shot extends RandomRequest {
  readonly name: string
  readonly who: Who
  /** Sent twice, with this key. */
  readonly key: string | null
}

/** Refusals that are said before a handler is reached. */
const early = new Set([
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'unknown_method',
  'method_not_allowed',
  'key_reused',
  'key_in_progress',
])

const sumOf = (counts: ReadonlyMap<unknown, number>): number => [...counts.values()].reduce((sum, one) => sum + one, 0)

const bodyOf = ({ json, raw }: RandomRequest) => (json ? { json } : raw === undefined ? {} : { raw })

const emailOf = (name: string): string => `${name}@example.com`

/** By its description the audit knows which command made a task, and by most addresses which one made a person. */
const signed = (request: RandomRequest, name: string): RandomRequest => {
  const { json } = request
  const { description, email } = json ?? {}
  if (typeof description === 'string') return { ...request, json: { ...json, description: `${name} ${description}.` } }
  if (typeof email === 'string' && email.endsWith('@example.com') && !name.endsWith('0'))
    return { ...request, json: { ...json, email: emailOf(name) } }
  return request
}

class Fuzz {
  readonly journal = new Journal()
  readonly wrong: string[] = []
  readonly handled = new Map<string, number>()
  readonly statuses = new Map<number, number>()
  private readonly scene: Scene

  constructor(scene: Scene) {
    this.scene = scene
  }

  async send(shot: Shot): Promise<void> {
    const order = orderOf(shot, this.idOf(shot))
    if (order === null) await this.once(shot)
    else await this.journal.record(order, () => this.once(shot))
  }

  private idOf({ who }: Shot): number {
    return who === 'nobody' ? 0 : this.scene.running.members[who].id
  }

  private async once(shot: Shot): Promise<Learned> {
    const { members } = this.scene.running
    const { name, who, key, verb, path } = shot
    const headers = { 'x-request-id': name, ...(key === null ? {} : { 'idempotency-key': key }), ...shot.headers }
    const asked = { verb, path, headers, ...bodyOf(shot) }
    const answer = await answerOf(await this.scene.ask(who === 'nobody' ? null : members[who], asked))
    const fault = faultIn(answer) ?? this.leakIn(answer)
    if (fault !== null) this.wrong.push(`${who} ${JSON.stringify(asked)}: ${fault}`)
    return this.learn(shot, answer)
  }

  private learn({ method }: Shot, { status, text }: Answer): Learned {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const said = JSON.parse(text) as Readonly<Record<string, unknown>>
    const code = String(said['code'])
    const isEarly = status >= 400 && early.has(code)
    if (!isEarly) this.handled.set(method, (this.handled.get(method) ?? 0) + 1)
    if (status >= 500 || code === 'key_in_progress') return { unknown: text }
    return status < 400 ? { acknowledged: said } : { refused: code, detail: said }
  }

  private leakIn({ text }: Answer): string | null {
    const sessions = Object.values(this.scene.running.members).map(({ cookie }) => cookie.split('=')[1] ?? '')
    const leaked = sessions.some((token) => text.includes(token) || text.includes(decodeURIComponent(token)))
    return leaked ? `a session in ${text}` : null
  }
}

/** What the audit wants to know of a command; null for what it does not look at. */
const orderOf = ({ name: request, method, json = {}, named }: Shot, actor: number): Order | null => {
  const isSigned = method === 'CreateTask' || (method === 'InvitePerson' && json['email'] === emailOf(request))
  if (isSigned) return { request, command: method, actor, input: json }
  if (method === 'AssignTasks') return { request, command: method, actor, input: {} }
  if (method === 'CompleteTask') return { request, command: method, actor, input: { taskId: Number(named['taskId']) } }
  if (method === 'CancelReassignment') return { request, command: method, actor, input: { id: Number(named['id']) } }
  return null
}

/** Nobody of the four is disabled or given another role: each goes on to the end. */
const spares =
  ({ running }: Scene) =>
  ({ method, named }: RandomRequest): boolean =>
    method !== 'ChangePerson' || !Object.values(running.members).some(({ id }) => id === Number(named['popugId']))

const draw = (scene: Scene, document: OpenApiDocument, seed: number): Shot[] => {
  const next = generator(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item
  // What only administrators may do comes to its handler seldom enough as it is.
  const everyone: readonly Who[] = [...roles, 'admin', 'nobody', 'nobody', 'nobody']
  const requests = randomRequests(document, count + 500, seed)
    .filter(spares(scene))
    .slice(0, count)
  return requests.map((request, index) => {
    const name = `fuzz-${index}`
    return { ...signed(request, name), name, who: pick(everyone), key: next() < 0.1 ? `key-${index}` : null }
  })
}

/** Every act of operations has ended, and consumers that one of them has paused go on. */
const calm = async ({ running, services, database }: Scene): Promise<void> => {
  const { host } = running.application
  const open = () =>
    database.query<{ id: number; kind: string }>(
      `select id, kind from operations.act where state in ('queued', 'running')`,
    )
  // Each compares everything, one after another.
  for (const { id } of (await open()).filter(({ kind }) => kind === 'reconcile'))
    await host.call(operations.cancelAct, { id }, as(running.members.admin))
  await eventually('every act has ended', async () => (await open()).length === 0, 60_000)
  const consumers = services.flatMap(({ name, consumers: own }) => own.map((one) => ({ service: name, ...one })))
  for (const { service, name: consumer } of consumers) {
    const input = { consumer, state: 'running', reason: 'the end of the test' } as const
    must(await host.call(standardContract(service).setConsumerState, input, asService))
  }
  await host.settle(60_000)
  const missing = () => database.query('select from operations.undelivered where healed_at is null')
  await eventually('operations has seen that all has arrived', async () => (await missing()).length === 0)
}

test('ten thousand random requests are answered, and the books are right', async (t) => {
  const seed = seedOf('fuzz')
  await using scene = await openScene()
  const described = await scene.ask(null, { verb: 'GET', path: '/api/openapi.json' })
  const document = (await described.json()) as OpenApiDocument
  const fuzz = new Fuzz(scene)
  const shots = draw(scene, document, seed)
  for (let at = 0; at < shots.length; at += atOnce) {
    const some = shots.slice(at, at + atOnce)
    // Whatever has a key is sent twice at once.
    const again = some.filter(({ key }) => key !== null)
    await Promise.all([...some, ...again].map((shot) => fuzz.send(shot)))
  }
  assert.deepEqual(fuzz.wrong.slice(0, mostShown), [], `${fuzz.wrong.length} were answered wrongly`)

  const [handled, sent] = [fuzz.handled, fuzz.statuses].map(sumOf) as [number, number]
  t.diagnostic(`${handled} of ${sent} reached a handler; ${JSON.stringify(Object.fromEntries(fuzz.statuses))}`)
  // What has a key is sent twice, so that there is more to reach one.
  assert.ok(sent > count, `${sent} were sent`)
  assert.ok(handled >= leastHandled * sent, `${handled} of ${sent} reached a handler`)
  const never = operationsIn(document).filter(({ method }) => !fuzz.handled.has(method))
  assert.deepEqual(
    never.map(({ method }) => method),
    [],
  )

  await calm(scene)
  const client = new pg.Client(scene.database.adminConnection)
  await client.connect()
  try {
    assertClean(await audit(client, fuzz.journal.attempts))
  } finally {
    await client.end()
  }
})
