// Hostile requests to every method of every contract, through the gateway by everybody and at the services themselves:
// always an answer that says what is wrong, never a fault, and nothing changes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FetchHandler } from '../../adapters/transport/http-server.ts'
import { newTokenKey, type Tokens, tokensOf } from '../../adapters/transport/token.ts'
import { type AnyContract, type Method, methodsOf, serviceRole } from '../../kernel/contract.ts'
import { must } from '../../kernel/result.ts'
import type { Service } from '../../kernel/service.ts'
import { standardContract } from '../../kernel/standard.ts'
import { accounting } from '../../services/accounting/contract.ts'
import { identity } from '../../services/identity/contract.ts'
import { operations } from '../../services/operations/contract.ts'
import { taskTracker } from '../../services/task-tracker/contract.ts'
import { type Role, roles } from '../../services/vocabulary.ts'
import { type Running, startRunning } from '../support/application.ts'
import { serviceOf } from '../support/in-process.ts'
import { sendRaw } from '../support/raw.ts'
import { freshDatabase, type TestDatabase } from '../support/server.ts'
import { as, schemas } from '../support/system.ts'
import { type Answer, answerOf, faultIn } from './answers.ts'
import { type Case, casesFor } from './cases.ts'
import { contents } from './untouched.ts'

type Who = Role | 'service' | 'nobody'

const contracts: Readonly<Record<string, AnyContract>> = {
  identity,
  'task-tracker': taskTracker,
  accounting,
  operations,
}

/** All other commands must name something of ours to have an effect. */
const loaded: ReadonlySet<string> = new Set(
  [
    taskTracker.createTask,
    taskTracker.assignTasks,
    identity.invitePerson,
    identity.changeMe,
    operations.reconcile,
    standardContract('accounting').beginEpoch,
  ].map(({ name }) => name),
)

describe('hostile requests', () => {
  let database: TestDatabase
  let running: Running
  let tokens: Tokens
  let handlers: ReadonlyMap<string, FetchHandler>
  let untouched: Record<string, string>
  /** The number of a person with an account, and of a task. */
  let someId: number
  before(async () => {
    database = await freshDatabase(schemas)
    const services: Service[] = []
    const service = (one: Service): Service => {
      services.push(one)
      return one
    }
    running = await startRunning({ database, decorations: { service } })
    tokens = await tokensOf(await newTokenKey())
    handlers = new Map(services.map((one) => [one.name, serviceOf(running.application, one, tokens)]))
    someId = await makeHistory()
    untouched = await contents(database)
  })
  after(async () => {
    await running[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  /** Tasks, charged and paid, so that there is something to be damaged. */
  const makeHistory = async (): Promise<number> => {
    const { call, settle } = running.application.host
    const { manager, popug } = running.members
    for (let n = 0; n <= popug.id; n += 1) {
      must(await call(taskTracker.createTask, { description: `Task ${n}`, popugId: popug.id }, as(manager)))
    }
    must(await call(taskTracker.completeTask, { taskId: 1 }, as(popug)))
    await settle()
    return popug.id
  }

  const throughGateway = async (who: Who, { service }: Method, one: Case): Promise<Answer> => {
    const cookie = who === 'nobody' || who === 'service' ? '' : running.members[who].cookie
    return answerOf(await fetch(`${running.url}/api/v1/${service}${one.path}`, requestOf(one, { cookie })))
  }

  const atService = async (who: Who, { service }: Method, one: Case): Promise<Answer> => {
    const member = who === 'nobody' || who === 'service' ? null : running.members[who]
    const role = who === 'service' ? serviceRole : (member?.role ?? '')
    const authorization = `Bearer ${await tokens.sign({ id: member?.id ?? null, role }, service)}`
    const handler = handlers.get(service)
    assert.ok(handler)
    return answerOf(await handler(new Request(`http://service.test${one.path}`, requestOf(one, { authorization }))))
  }

  const requestOf = ({ verb, body, headers = {} }: Case, own: Readonly<Record<string, string>>): RequestInit => ({
    method: verb,
    headers: { ...own, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body }),
  })

  /** All for the first who may call it; for others, who get as far or less far, every so many. */
  const shareOf = (cases: readonly Case[], method: Method, who: Who): readonly Case[] => {
    const place = method.allow.indexOf(who)
    if (place === 0) return cases
    return cases.filter((_one, index) => index % (place > 0 ? 7 : 17) === 0)
  }

  const everyone: readonly Who[] = [...roles, 'nobody', 'service']

  const attack = async (method: Method, cases: readonly Case[], send: typeof atService): Promise<void> => {
    const wrong: string[] = []
    for (const who of everyone) {
      const expectOf = (one: Case) => (method.allow.includes(who) ? one.expect : 'refused')
      const share = shareOf(cases, method, who)
      for (let at = 0; at < share.length; at += 8) {
        const found = await Promise.all(
          share.slice(at, at + 8).map(async (one) => {
            const fault = faultIn(await send(who, method, one), expectOf(one) === 'refused')
            return fault && `${who}, ${method.name}: ${one.what}: ${fault}`
          }),
        )
        wrong.push(...found.filter((one) => one !== null))
      }
    }
    assert.deepEqual(wrong, [])
  }

  /** The same of something that there is; a query changes nothing. */
  const aboutSomething = (method: Method, cases: readonly Case[]): Case[] =>
    method.is === 'command'
      ? []
      : cases.map((one) => ({ ...one, path: one.path.replace('2147483647', String(someId)) }))

  for (const [service, contract] of Object.entries(contracts)) {
    for (const method of methodsOf(contract)) {
      const cases = casesFor(method, loaded.has(method.name))
      test(`to ${service} ${method.name}, ${cases.length} kinds, through the gateway`, async () => {
        const isPublic = method.allow.some((role) => role !== serviceRole)
        const all = isPublic
          ? [...cases, ...aboutSomething(method, cases)]
          : cases.map((one) => ({ ...one, expect: 'refused' as const }))
        await attack(method, all, throughGateway)
      })
      test(`to ${service} ${method.name}, ${cases.length} kinds, at the service`, () =>
        attack(method, cases, atService))
    }
  }

  for (const method of methodsOf(standardContract('accounting'))) {
    const cases = casesFor(method, loaded.has(method.name))
    test(`to the kernel's ${method.name}, ${cases.length} kinds, at a service`, () => attack(method, cases, atService))
  }

  test('with a reason that no database can keep, for something that there is', async () => {
    const method = standardContract('accounting').setConsumerState
    for (const reason of ['a\u0000b', '\ud800']) {
      const body = JSON.stringify({ consumer: 'ledger', state: 'paused', reason })
      const one: Case = { what: reason, verb: 'POST', path: '/kernel/consumers', body, expect: 'refused' }
      assert.equal(faultIn(await atService('service', method, one), true), null)
    }
  })

  test('with headers that try to break out of them', async () => {
    const cookie = running.members.popug.cookie
    for (const id of ['a\x0bb', '%0d%0aSet-Cookie: a=b', 'x'.repeat(5_000), '\u00e9\u00ff', "';--", '{{7*7}}']) {
      const { status, headers } = await sendRaw(running.url, '/api/v1/task-tracker/tasks', {
        headers: { cookie, 'x-request-id': id },
      }).catch((error: unknown) => ({
        status: error instanceof TypeError ? 400 : 0,
        headers: {} as Record<string, string>,
      }))
      assert.ok(status === 200 || status === 400, `${id}: ${status}`)
      assert.equal(headers['set-cookie'], undefined)
      if (status === 200) assert.match(String(headers['x-request-id']), /^[\w-]{36}$/)
    }
  })

  test('have changed nothing', async () => {
    await running.application.host.settle()
    assert.deepEqual(await contents(database), untouched)
  })

  test('have left everything working', async () => {
    const { call, settle } = running.application.host
    const { manager, popug, admin } = running.members
    const task = must(
      await call(taskTracker.createTask, { description: 'After all that', popugId: popug.id }, as(manager)),
    )
    must(await call(taskTracker.completeTask, { taskId: task.taskId }, as(popug)))
    await settle()
    const { lines } = must(await call(accounting.getAccountInfo, { popugId: popug.id }, as(popug)))
    assert.deepEqual([lines[0]?.kind, lines[0]?.taskId], ['reward', task.taskId])
    const { differences } = must(await call(accounting.verifyLedger, {}, as(admin)))
    assert.deepEqual(differences, [])
    assert.deepEqual(await running.application.host.health(), { ready: true, troubles: {} })
  })
})
