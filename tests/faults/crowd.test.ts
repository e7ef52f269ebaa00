// Fifty clients create, complete and reassign at random while aTES and its database are killed under them.
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { startEmbedded } from '../../adapters/database/embedded.ts'
import { generator, seedOf } from '../support/random.ts'
import { silent } from '../support/silent.ts'
import { assertClean } from './assert-clean.ts'
import { audit } from './audit.ts'
import { Clients, type Draw } from './clients.ts'
import { CrowdApplication } from './crowd-application.ts'
import { CrowdPeople } from './crowd-people.ts'
import { killDatabase, postmasterOf, queryEmbedded, removeDatabase } from './embedded-database.ts'
import { Journal, type Order } from './journal.ts'
import { until, untilSettled } from './settled.ts'

const clientCount = 50
const lastsMs = 20_000
/** As long as the embedded database gives a killed server's processes to end, and some more. */
const recoveryLimitMs = 60_000
/** How long a client waits before it sends a command again. */
const patienceMs = 300
/** The least that is answered between two blows, however slow the machine. */
const answersBetween = 40

type Harm = 'aTES' | 'aTES twice' | 'both' | 'the database'

interface Blow {
  readonly atMs: number
  readonly harm: Harm
}

/** Three to five blows, each in its part of the time; at least one of them ends the database, too. */
const drawBlows = (draw: Draw): Blow[] => {
  const count = draw(3, 5)
  const partMs = Math.floor(lastsMs / count)
  const others: readonly Harm[] = ['aTES', 'aTES twice', 'both', 'the database']
  const withDatabase = draw(0, count - 1)
  return Array.from({ length: count }, (_, part) => ({
    atMs: part * partMs + draw(500, partMs - 1_000),
    harm: part === withDatabase ? 'both' : (others[draw(0, others.length - 1)] as Harm),
  }))
}

class Crowd {
  readonly journal = new Journal()
  /** Time from each blow to the next answer. */
  readonly recoveriesMs: number[] = []
  private struckAt: number | null = null
  private answersSinceBlow = 0
  private suffering = true
  private readonly application: CrowdApplication
  private readonly people: CrowdPeople
  private readonly clients: Clients
  private readonly dataDir: string
  private readonly draw: Draw

  constructor(application: CrowdApplication, people: CrowdPeople, dataDir: string, draw: Draw) {
    this.application = application
    this.people = people
    this.clients = new Clients('crowd', people.people, draw, { create: 550, reassign: 4 })
    this.dataDir = dataDir
    this.draw = draw
  }

  /** Sends a command with its key until its outcome is known. */
  private async insist(order: Order): Promise<void> {
    const known = async () => {
      const sentAt = performance.now()
      const learned = await this.journal.record(order, (one) => this.people.send(one))
      this.clients.learn(order, learned)
      if ('acknowledged' in learned) this.answered(sentAt)
      return !('unknown' in learned)
    }
    await until(() => `the outcome of ${order.command} ${order.request}`, known, recoveryLimitMs, patienceMs)
  }

  /** What was on its way during the blow says nothing about the recovery. */
  private answered(sentAt: number): void {
    this.answersSinceBlow += 1
    if (this.struckAt === null || sentAt < this.struckAt) return
    this.recoveriesMs.push(performance.now() - this.struckAt)
    this.struckAt = null
  }

  async work(): Promise<void> {
    const end = performance.now() + lastsMs
    const client = async () => {
      while (this.suffering || performance.now() < end) await this.insist(this.clients.next())
    }
    await Promise.all(Array.from({ length: clientCount }, client))
  }

  async suffer(blows: readonly Blow[]): Promise<void> {
    const begin = performance.now()
    for (const { atMs, harm } of blows) {
      await this.someAnswers(begin + atMs)
      await this.strike(harm)
      this.answersSinceBlow = 0
    }
    await this.someAnswers(begin + lastsMs)
    this.suffering = false
  }

  /** Blows fall where the seed says, but not before the one before was got over. */
  private someAnswers(atMs: number): Promise<void> {
    const enough = async () => performance.now() >= atMs && this.answersSinceBlow >= answersBetween
    return until(() => `${answersBetween} answers`, enough, recoveryLimitMs)
  }

  private async strike(harm: Harm): Promise<void> {
    const server = await postmasterOf(this.dataDir)
    const killing = harm === 'the database' ? [] : [this.application.kill()]
    const killingDatabase = harm === 'aTES' || harm === 'aTES twice' ? [] : [killDatabase(this.dataDir)]
    await Promise.all([...killing, ...killingDatabase])
    this.struckAt = performance.now()
    if (harm === 'the database') return this.anotherServer(server)
    if (harm === 'aTES twice') await this.killWhileStarting()
    await this.application.start()
  }

  /** aTES starts its database again by itself. */
  private anotherServer(than: number): Promise<void> {
    const other = async () => ![0, than].includes(await postmasterOf(this.dataDir))
    return until(() => 'another server', other, recoveryLimitMs)
  }

  private async killWhileStarting(): Promise<void> {
    const start = this.application.start().catch(() => undefined)
    const at = performance.now() + this.draw(0, 900)
    await until(
      () => 'the moment',
      async () => performance.now() >= at,
    )
    await this.application.kill()
    await start
  }
}

const count = (journal: Journal, kind: 'acknowledged' | 'refused' | 'unknown'): number =>
  journal.attempts.filter(({ learned }) => kind in learned).length

test('fifty clients lose nothing and get nothing twice, while aTES and its database are killed under them', async (t) => {
  const next = generator(seedOf('crowd'))
  const draw: Draw = (from, to) => from + Math.floor(next() * (to - from + 1))
  const dataDir = await mkdtemp(join(tmpdir(), 'ates-test-'))
  await using ends = new AsyncDisposableStack()
  ends.defer(() => removeDatabase(dataDir))
  const application = ends.use(new CrowdApplication(dataDir))
  await application.start()
  const people = new CrowdPeople(() => application.url)
  await people.beginWith(await application.firstRun())
  for (const role of ['manager', 'manager', ...Array.from({ length: 8 }, () => 'popug')]) await people.invite(role)

  const blows = drawBlows(draw)
  t.diagnostic(`blows: ${blows.map(({ atMs, harm }) => `${harm} at ${atMs} ms`).join(', ')}`)
  const crowd = new Crowd(application, people, dataDir, draw)
  await Promise.all([crowd.work(), crowd.suffer(blows)])
  const query = queryEmbedded(dataDir)
  await untilSettled(query, 60_000)
  const { postings, differences } = await people.verifyLedger()
  await application.stop()

  const { journal, recoveriesMs } = crowd
  const kinds = (['acknowledged', 'refused', 'unknown'] as const).map((kind) => `${count(journal, kind)} ${kind}`)
  t.diagnostic(`${journal.attempts.length} sent: ${kinds.join(', ')}; ${postings} events in the ledger`)
  t.diagnostic(`${blows.length} blows, longest recovery ${Math.round(Math.max(...recoveriesMs))} ms`)
  assert.deepEqual(differences, [])
  assert.ok(postings > 0)
  assert.equal(recoveriesMs.length, blows.length, 'after some blow nobody was answered')
  const refusals = new Set(journal.attempts.flatMap(({ learned }) => ('refused' in learned ? [learned.refused] : [])))
  assert.deepEqual([...refusals.difference(new Set(['not_assignee']))], [], 'somebody was refused for no reason')

  const server = ends.use(await startEmbedded({ dataDir, log: silent }))
  const client = new pg.Client(server.connection('postgres', 'ates'))
  ends.defer(() => client.end())
  await client.connect()
  assertClean(await audit(client, journal.attempts))
})
