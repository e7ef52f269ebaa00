// Family 18: three versions follow each other on processes apart. Under traffic and page by page, one process after the
// other is exchanged, so that old ones call new ones and new ones old ones, and both read what both say at one broker.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Visitor } from '../../processes/visitor.ts'
import { sharedGround } from '../grounds.ts'
import { ates } from '../operators-tool.ts'
import type { Release } from '../releases.ts'
import type { Callee, Stage } from '../stage.ts'
import { load } from '../steady-load.ts'
import { Deployment, type Part } from './deployment.ts'
import { progress } from './recovery.ts'

const replicas = { identity: 1, 'task-tracker': 2, accounting: 2, web: 2 }

const levels = `select name from task_tracker.migration union select name from accounting.migration
  union select name from identity.migration`
const brought = ['0006-names-of-all-and-what-was-given', '0005-people-search', '0006-sums-of-lines']

const broughtIn = async (stage: Stage): Promise<string[]> => {
  const found = (await stage.query<{ name: string }>(levels)).map(({ name }) => name)
  return brought.filter((name) => found.includes(name))
}

/** Noes that clients ask for when they are right about nothing but who holds a task. */
const ordinary: ReadonlySet<string> = new Set(['not_assignee', 'too_many_reassignments'])

const wronglyRefused = ({ journal }: Stage): string[] =>
  journal.attempts.flatMap(({ command, learned }) =>
    'refused' in learned && !ordinary.has(learned.refused) ? [`${command}: ${learned.refused}`] : [],
  )

const person = { name: 'Ada', email: 'ada@example.com', password: 'a parrot is not a password' }

const originOf = ({ process }: Part): string => `http://127.0.0.1:${process.port}`

const join = async (stage: Stage, part: Part) => {
  const issued = await stage.operate(part.process, 'identity', 'IssueFirstAdministratorLink', {})
  const { token } = issued as { token: string }
  const joined = await new Visitor(originOf(part)).submit(`/first-run?token=${token}`, '/first-run', person)
  assert.equal(joined.status, 200)
}

const paths = [
  '/',
  '/mine',
  '/tasks',
  '/tasks?order=completed',
  '/tasks/1',
  '/account',
  '/account?line=1',
  '/accounts',
  '/reassign',
  '/people',
]

/** Every page of a web process is whole, whichever versions it asks. */
const pagesAreWhole = async (part: Part) => {
  const visitor = new Visitor(originOf(part))
  const { email, password } = person
  assert.equal((await visitor.submit('/sign-in', '/sign-in', { email, password })).status, 200)
  for (const path of paths) {
    const { status, text } = await visitor.page(path)
    assert.equal(status, 200, `${part.release} web, ${path}: ${text.slice(0, 2_000)}`)
    assert.doesNotMatch(text, /older version|out of reach/, `${part.release} web, ${path}`)
  }
}

interface State {
  readonly undelivered: readonly { readonly reason: string }[]
}

/** All processes by their parts, and how one after the other becomes another version. */
const sceneOf = (deployment: Deployment) => {
  const { stage } = deployment
  let away: Part | undefined
  const pair = (name: keyof typeof replicas): readonly [Part, Part] => {
    const [one, other] = deployment.of(name)
    assert.ok(one && other)
    return [one, other]
  }
  return {
    webs: pair('web'),
    trackers: pair('task-tracker'),
    ledgers: pair('accounting'),
    /** Web processes that people are sent to; what these call is any replica. */
    entrances: (): Callee[] =>
      deployment.of('web').flatMap((part) => (part === away || !part.isAlive ? [] : [part.process])),
    exchange: async (release: Release, ...parts: readonly Part[]) => {
      for (const part of parts) {
        away = part
        await part.process.stop()
        part.release = release
        await part.start()
        away = undefined
      }
    },
    some: async (count: number) => {
      const wanted = stage.journal.attempts.length + count
      await stage.until(`${count} more answers`, async () => stage.journal.attempts.length >= wanted)
    },
    applied: async () => {
      const { committed } = await progress(deployment)
      await stage.until('all so far is in the ledger', async () => (await progress(deployment)).applied >= committed)
    },
  }
}

const toToday = async (deployment: Deployment) => {
  const { stage } = deployment
  const { webs, trackers, ledgers, entrances, exchange, some, applied } = sceneOf(deployment)
  const [web, otherWeb] = webs
  const [tracker, otherTracker] = trackers
  const stop = load(stage, entrances)
  await some(30)
  assert.deepEqual(await broughtIn(stage), [], 'the earlier version has less')

  // Schemas first, under processes of which none needs what is added, and one that starts again on them.
  assert.equal((await ates(stage, 'migrate')).code, 0)
  assert.deepEqual(await broughtIn(stage), brought)
  await tracker.process.kill()
  await tracker.start()
  await some(20)

  await exchange('today', web)
  await pagesAreWhole(web)
  await exchange('today', ledgers[0])
  await some(10)
  await exchange('today', ledgers[1])
  await Promise.all(webs.map(pagesAreWhole))
  await applied()
  await exchange('today', tracker)
  await some(20)
  await pagesAreWhole(web)
  await exchange('today', otherTracker, ...deployment.of('identity'))
  await pagesAreWhole(otherWeb)
  await exchange('today', otherWeb)
  await some(10)
  await stop()
}

/** Commands with a field that the later version takes: who does not know it is no reason for a refusal. */
const bothAnswer = async ({ stage }: Deployment, web: Part) => {
  const answers = new Set<boolean>()
  await stage.until('both versions to answer', async () => {
    const { request, actor } = stage.clients.order('CreateTask', stage.clients.manager())
    const input = { description: request, praise: 'well done' }
    const learned = await stage.insist(() => web.process, { request, command: 'CreateTask', actor, input })
    return answers.add('acknowledged' in learned && 'praise' in learned.acknowledged).size === 2
  })
}

const toNext = async (deployment: Deployment) => {
  const { stage } = deployment
  const { webs, trackers, ledgers, entrances, exchange, some, applied } = sceneOf(deployment)
  const stop = load(stage, entrances)
  await some(10)
  await exchange('next', trackers[0])
  await bothAnswer(deployment, webs[0])
  await stage.until('the ledger waits for who knows the event', async () => {
    // Connections that are kept may lead everybody to the other one.
    if (stage.clients.open.size > 0) await stage.send(trackers[0].process, stage.clients.complete())
    const { undelivered } = (await stage.operate(deployment, 'accounting', 'GetState', {})) as State
    return undelivered.some(({ reason }) => reason === 'waiting for a version that knows TaskCompleted 2')
  })
  await exchange('next', ledgers[0])
  await applied()
  const versions = `select distinct version from task_tracker.event where type = 'TaskCompleted'`
  await stage.until('both versions', async () => (await stage.query(versions)).length === 2)
  await Promise.all(webs.map(pagesAreWhole))
  await exchange('next', trackers[1], ledgers[1])
  await some(20)
  await stop()
}

test('old and new call each other and read each other while one process after the other is exchanged', async (t) => {
  const ground = await sharedGround({ empty: true })
  await using deployment = await Deployment.on(ground, 'family 18', { replicas, release: 'earlier' })
  const { stage } = deployment
  const [web] = deployment.of('web')
  assert.ok(web)
  await join(stage, web)

  await t.test('from an earlier version to this one', async () => {
    await toToday(deployment)
    assert.deepEqual(wronglyRefused(stage), [])
    await stage.audit()
  })
  await t.test('from this version to a later one, of whose events one is of a version that is new', async () => {
    await toNext(deployment)
    assert.deepEqual(wronglyRefused(stage), [])
    await stage.audit()
    assert.deepEqual(await stage.query('select from accounting.parked'), [])
  })
})
