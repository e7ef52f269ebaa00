// One person's things, asked for and acted upon by another one of the same role: for every method and page with an id.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenApiDocument } from '../../kernel/openapi.ts'
import { must } from '../../kernel/result.ts'
import { identity } from '../../services/identity/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { routes } from '../../services/web/app.tsx'
import { contents } from '../hostile/untouched.ts'
import { join, type Member } from '../support/application.ts'
import { eventually } from '../support/eventually.ts'
import { parkedNumber, plantAct, plantParked } from '../support/planted.ts'
import { as, asService } from '../support/system.ts'
import * as expected from './others-things.ts'
import type { Asked, Scene } from './scene.ts'

/** What names a thing in an input, as `taskId`, `taskIds`, `number`; not a place in a list, as `fromNumber`. */
const namesThing = /^(?:id|\w+Ids?|numbers?|service|consumer|stream)$/

type Names = Readonly<Record<string, unknown>>
type Things = Readonly<Record<expected.Thing, Names>>
type Own = Omit<Things, 'reassignment'>

interface Pair {
  readonly role: Role
  readonly owner: Member
  readonly other: Member
  readonly things: Things
}

interface Operation {
  readonly name: string
  readonly verb: string
  readonly path: string
  /** Names in path, query and body. */
  readonly inputs: readonly string[]
}

const operationsIn = ({ paths }: OpenApiDocument): Operation[] =>
  Object.entries(paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, { operationId, tags, parameters, requestBody }]) => {
      const body = requestBody as { content: Record<string, { schema: { properties: object } }> } | undefined
      const fields = Object.keys(body?.content['application/json']?.schema.properties ?? {})
      const inputs = [...parameters.map((one) => one.name), ...fields]
      return { name: `${tags[0]} ${operationId}`, verb: verb.toUpperCase(), path, inputs }
    }),
  )

const withId = async ({ ask }: Scene): Promise<Operation[]> => {
  const response = await ask(null, { verb: 'GET', path: '/api/openapi.json' })
  const all = operationsIn((await response.json()) as OpenApiDocument)
  return all.filter(({ inputs }) => inputs.some((name) => namesThing.test(name)))
}

/** As much to do with `owner` as their role allows. */
const thingsOf = async ({ running, database }: Scene, owner: Member): Promise<Own> => {
  const { call } = running.application.host
  const { admin } = running.members
  const mayHold = owner.role === 'popug' || owner.role === 'accountant'
  const task = must(
    await call(
      taskTracker.createTask,
      { description: `Of the ${owner.role}`, ...(mayHold ? { popugId: owner.id } : {}) },
      mayHold ? as(admin) : as(owner),
    ),
  )
  const act = await plantAct(database, owner.id)
  const token = decodeURIComponent(owner.cookie.split('=')[1] ?? '')
  const [session] = must(await call(identity.listSessions, { token }, asService)).sessions
  return {
    person: { popugId: owner.id },
    task: { taskId: task.taskId, taskIds: [task.taskId] },
    act: { id: act },
    event: {
      service: 'accounting',
      consumer: 'ledger',
      stream: 'task-tracker',
      number: parkedNumber,
      numbers: [parkedNumber],
    },
    session: { id: session?.id },
    runbook: { name: 'EventsParked' },
  }
}

const makePairs = async (scene: Scene): Promise<Pair[]> => {
  const { running, database } = scene
  const { host } = running.application
  const { members } = running
  const others = await Promise.all(roles.map((role) => join(host, `other-${role}`, role, members.admin)))
  // Before there is a task that it could take from its owner.
  const reassignment = must(await host.call(taskTracker.assignTasks, {}, as(members.admin)))
  await host.settle()
  const pairs: Pair[] = []
  for (const [index, role] of roles.entries()) {
    const other = others[index]
    assert.ok(other)
    const things = { ...(await thingsOf(scene, members[role])), reassignment: { id: reassignment.id } }
    pairs.push({ role, owner: members[role], other, things })
  }
  await host.settle()
  await plantParked(database)
  await eventually('all acts wait', async () => {
    const [act] = await database.query<{ all: boolean }>(`select bool_and(note is not null) as all from operations.act`)
    return act?.all
  })
  return pairs
}

/** While nobody may be drawn, a reassignment waits and can be cancelled. */
const withWaiting = async ({ running, database }: Scene, pairs: readonly Pair[]): Promise<Pair[]> => {
  await database.query(`update task_tracker.popug set active = false`)
  const waiting = pairs.map(async (pair) => {
    const by = pair.role === 'manager' ? pair.owner : running.members.admin
    const { id } = must(await running.application.host.call(taskTracker.assignTasks, {}, as(by)))
    return { ...pair, things: { ...pair.things, reassignment: { id } } }
  })
  return Promise.all(waiting)
}

/** What of an answer is new each time, or said once only. */
const steady = (answer: string): string => answer.replaceAll(/"token":"\w+"/g, '"token":"once"')

const askedOf = ({ verb, path, inputs }: Operation, names: Names, input: Names): Asked => {
  const given = Object.entries({ ...names, ...input }).filter(([name]) => inputs.includes(name))
  const rest = given.filter(([name]) => !path.includes(`{${name}}`))
  const at = path.replaceAll(/\{(\w+)\}/g, (_part, name: string) => String(names[name]))
  if (verb !== 'GET') return { verb, path: at, json: Object.fromEntries(rest) }
  const query = new URLSearchParams(rest.map(([name, value]) => [name, String(value)]))
  return { verb, path: `${at}?${query.toString()}` }
}

interface Case {
  readonly what: string
  readonly refused: boolean
  /** What is not as it must be; null when all is. */
  readonly wrong: (pair: Pair) => Promise<string | null>
}

const differs = (found: string, wanted: string): string | null => (found === wanted ? null : `${found} for ${wanted}`)

const caseOfMethod = ({ ask }: Scene, operation: Operation, role: Role): Case => {
  const line = expected.methods[operation.name]
  if (!line) return { what: operation.name, refused: true, wrong: async () => 'is not written down' }
  const verdict = line.verdict[role]
  const wrong: Case['wrong'] = async ({ owner, other, things }) => {
    const asked = askedOf(operation, things[line.of], line.input ?? {})
    const response = await ask(other, asked)
    const found = await response.text()
    const { code = '', requestedBy = '' } = JSON.parse(found) as { code?: string; requestedBy?: number }
    const said = `${response.status} ${code}`.trim()
    if (/^\d/.test(verdict)) return differs(said, verdict)
    if (verdict === 'in own name') return differs(`${said} by ${requestedBy}`, `200 by ${other.id}`)
    const owners = await (await ask(owner, asked)).text()
    const wanted = verdict === 'same' ? owners : JSON.stringify({ ...JSON.parse(owners), postings: [] })
    return differs(`${said} ${steady(found)}`, `200 ${steady(wanted)}`)
  }
  return { what: operation.name, refused: verdict.startsWith('4'), wrong }
}

/** The message or refusal that a page left for the next one; of a page that is shown, whether it leads to lines of an account or has them. */
const saidBy = (response: Response, html: string): string => {
  const [flash] = response.headers.getSetCookie().flatMap((cookie) => /^ates_flash=([\w-]+)/.exec(cookie)?.[1] ?? [])
  const left = flash ? (JSON.parse(Buffer.from(flash, 'base64url').toString()) as Record<string, string>) : {}
  const account = /href="\/accounts\/\d+\?line=|id="line-/.test(html) ? 'account' : ''
  return [response.status, left['refused'] ?? left['is'] ?? account].join(' ').trim()
}

const caseOfPage = ({ ask }: Scene, name: string, role: Role): Case => {
  const line = expected.pages[name]
  if (!line) return { what: name, refused: true, wrong: async () => 'is not written down' }
  const verdict = line.verdict[role]
  const [verb = '', path = ''] = name.split(' ')
  const wrong: Case['wrong'] = async ({ other, things }) => {
    const at = path.replaceAll(/:(\w+)/g, (_part, param: string) => String(things[line.of][param]))
    const response = await ask(other, { verb, path: at, ...(verb === 'POST' ? { form: line.form ?? {} } : {}) })
    return differs(saidBy(response, await response.text()), verdict)
  }
  return { what: name, refused: /^4|not_assignee/.test(verdict), wrong }
}

const pagesWithId = routes.filter(({ path }) => path.includes(':')).map(({ verb, path }) => `${verb} ${path}`)

export const twoPeople = (scene: () => Scene): void => {
  test('what another one gets is written down for everything that carries an id, and for nothing else', async () => {
    const names = (await withId(scene())).map(({ name }) => name)
    assert.deepEqual(names.toSorted(), Object.keys(expected.methods).toSorted())
    assert.deepEqual(pagesWithId.toSorted(), Object.keys(expected.pages).toSorted())
  })

  test("nobody gets more of another one's things than the rules say, and what is refused changes nothing", async () => {
    const { database } = scene()
    const operations = await withId(scene())
    const pairs = await makePairs(scene())
    const casesFor = (role: Role): Case[] => [
      ...Object.keys(expected.methods)
        .flatMap((name) => operations.filter((one) => one.name === name))
        .map((one) => caseOfMethod(scene(), one, role)),
      ...Object.keys(expected.pages).map((name) => caseOfPage(scene(), name, role)),
    ]
    const wrongIn = async (of: readonly Pair[], refused: boolean): Promise<string[]> => {
      const found: string[] = []
      for (const pair of of) {
        for (const { what, wrong } of casesFor(pair.role).filter((one) => one.refused === refused)) {
          const difference = await wrong(pair)
          if (difference !== null) found.push(`${pair.role}: ${what}: ${difference}`)
        }
      }
      return found
    }
    const untouched = await contents(database)
    assert.deepEqual(await wrongIn(pairs, true), [])
    assert.deepEqual(await contents(database), untouched)
    assert.deepEqual(await wrongIn(await withWaiting(scene(), pairs), false), [])
  })
}
