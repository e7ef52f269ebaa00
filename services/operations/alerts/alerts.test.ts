// Alerts in their tables: told once by each channel, in order, whoever is killed, and whatever the clock does.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { must } from '../../../kernel/result.ts'
import { listAlerts } from '../list-alerts.ts'
import { observation, openAlerts, subjectsOf, unbalanced } from './alerts.test-support.ts'
import { deliverNext, pauseMs } from './deliver.ts'
import { evaluateAlerts } from './evaluate.ts'
import { guardOnce, guardRounds } from './guard.ts'
import { seededRandom } from '../../../tests/support/random.ts'

const silent = observation(20_000)
const well = observation()

const statesOf = async ({ test: database }: Awaited<ReturnType<typeof openAlerts>>): Promise<unknown[]> =>
  database.query(`select name, about, raised_at is not null as raised, cleared_at is not null as cleared, repeats
    from operations.alert order by id`)

describe('an alert in its table', () => {
  test('is raised, repeated and cleared, each told once and in order, with what it is about', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    await alerts.watch(16, silent)
    await alerts.deliver(channel)
    alerts.time.ms += alerts.telling.repeatMs
    await alerts.watch(1, silent)
    await alerts.watch(40, well)
    await alerts.deliver(channel)
    assert.deepEqual(subjectsOf(channel), [
      'raised: ProducerSilent, accounting',
      'repeated: ProducerSilent, accounting',
      'cleared: ProducerSilent, accounting',
    ])
    assert.equal(new Set(channel.taken.map(({ id }) => id)).size, 3)
    const { body, text } = channel.taken[0] ?? assert.fail()
    assert.equal(body['runbook'], 'https://ates.example/operations/runbooks/ProducerSilent')
    assert.match(text, /accounting has not answered for 20 s: refused\./)
    assert.deepEqual(await statesOf(alerts), [
      { name: 'ProducerSilent', about: 'accounting', raised: true, cleared: true, repeats: 1 },
    ])
  })

  test('is listed with its sentence, and with the facts in it', async () => {
    await using alerts = await openAlerts()
    await alerts.watch(16, silent)
    const listed = await alerts.database.transaction('test', (tx) =>
      listAlerts({ state: 'open', limit: 1 }, { tx } as Parameters<typeof listAlerts>[1]),
    )
    const [alert] = must(listed).alerts
    assert.equal(alert?.text, 'accounting has not answered for 20 s: refused.')
    assert.deepEqual(alert.details, { silentMs: 20_000, reason: 'refused' })
  })

  test('leaves nothing behind when its condition passed before anybody was told', async () => {
    await using alerts = await openAlerts()
    await alerts.watch(10, silent)
    assert.equal((await statesOf(alerts)).length, 1)
    await alerts.watch(1, well)
    assert.deepEqual(await statesOf(alerts), [])
  })

  test('comes again as a new one after it was cleared', async () => {
    await using alerts = await openAlerts()
    await alerts.watch(1, unbalanced())
    await alerts.watch(30, well)
    await alerts.watch(1, unbalanced())
    const alert = { name: 'LedgerUnbalanced', about: 'the ledger', raised: true, repeats: 0 }
    assert.deepEqual(await statesOf(alerts), [
      { ...alert, cleared: true },
      { ...alert, cleared: false },
    ])
  })

  test('is judged once by two watchers at once', async () => {
    await using alerts = await openAlerts()
    const { database, evaluating } = alerts
    const judging = () => database.transaction('test', (tx) => evaluateAlerts(unbalanced(), evaluating(tx)))
    await Promise.all(Array.from({ length: 8 }, judging))
    assert.equal((await alerts.test.query('select from operations.alert_delivery')).length, 1)
  })

  test('and what is to be said of it are rolled back with the round that found it', async () => {
    await using alerts = await openAlerts()
    const { database, evaluating } = alerts
    const killed = database.transaction('test', async (tx) => {
      await evaluateAlerts(unbalanced(), evaluating(tx))
      throw new Error('killed')
    })
    await assert.rejects(killed, /killed/)
    assert.deepEqual(await statesOf(alerts), [])
    assert.deepEqual(await alerts.test.query('select from operations.alert_delivery'), [])
  })
})

describe('a channel', () => {
  test('that fails is tried again with growing pauses, and gets everything in order when it is back', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    channel.fail = () => new Error('refused')
    await alerts.watch(1, unbalanced())
    await alerts.watch(30, well)
    let tries = 0
    for (let step = 0; step < 120; step += 1) {
      alerts.time.ms += 5_000
      tries += await alerts.deliver(channel)
    }
    assert.ok(tries >= 8 && tries <= 16, `${tries} tries in ten minutes`)
    channel.fail = () => null
    alerts.time.ms += 300_000
    assert.equal(await alerts.deliver(channel), 2)
    assert.deepEqual(subjectsOf(channel), [
      'raised: LedgerUnbalanced, the ledger',
      'cleared: LedgerUnbalanced, the ledger',
    ])
  })

  test('that fails is an alert of its own, told by the other one and cleared when it is back', async () => {
    await using alerts = await openAlerts(['webhook', 'mail'])
    const [webhook, mail] = alerts.channels
    assert.ok(webhook && mail)
    webhook.fail = () => new Error('the webhook answered 500')
    for (let second = 0; second < 120; second += 1) {
      await alerts.watch(1, unbalanced())
      for (const channel of [webhook, mail]) await alerts.deliver(channel)
    }
    webhook.fail = () => null
    alerts.time.ms += 300_000
    for (let second = 0; second < 40; second += 1) {
      for (const channel of [webhook, mail]) await alerts.deliver(channel)
      await alerts.watch(1, unbalanced())
    }
    for (const channel of [webhook, mail]) await alerts.deliver(channel)
    assert.deepEqual(subjectsOf(webhook), ['raised: LedgerUnbalanced, the ledger'])
    assert.deepEqual(subjectsOf(mail), [
      'raised: LedgerUnbalanced, the ledger',
      'raised: AlertChannelDown, webhook',
      'cleared: AlertChannelDown, webhook',
    ])
    assert.match(mail.taken[1]?.text ?? '', /could not be sent by webhook for .*: Error: the webhook answered 500\./)
  })

  test('is served by one replica at a time, and by another one when that was killed while it sent', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    await alerts.watch(1, unbalanced())
    const sending = Promise.withResolvers<void>()
    const killed = deliverNext({ name: 'webhook', send: () => sending.promise }, alerts)
    const attempts = () => alerts.test.query<{ tries: number }>('select tries from operations.alert_delivery')
    while ((await attempts())[0]?.tries !== 1);
    assert.equal(await alerts.deliver(channel), 0)
    alerts.time.ms += 30_000
    assert.equal(await alerts.deliver(channel), 1)
    // It comes back after all: what it says of its try changes nothing.
    sending.reject(new Error('woke up too late'))
    await killed
    assert.equal(await alerts.deliver(channel), 0)
    assert.equal(channel.taken.length, 1)
    const [row] = await alerts.test.query(
      'select delivered_at is not null as done, error from operations.alert_delivery',
    )
    assert.deepEqual(row, { done: true, error: null })
  })

  test('is not waited for longer than its pause when the clock was set back', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    await alerts.watch(1, unbalanced())
    channel.fail = () => new Error('refused')
    assert.equal(await alerts.deliver(channel), 1)
    channel.fail = () => null
    alerts.time.ms -= 3_600_000
    assert.equal(await alerts.deliver(channel), 1)
  })

  test('that nobody mends for a week is given up message by message, and still said to be down', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    await alerts.watch(1, unbalanced())
    channel.fail = () => new Error('refused')
    alerts.time.ms += 7 * 24 * 3_600_000
    assert.equal(await alerts.deliver(channel), 1)
    alerts.time.ms += 3_600_000
    assert.equal(await alerts.deliver(channel), 0)
    await alerts.watch(1, unbalanced())
    const down = await alerts.test.query(
      `select from operations.alert where name = 'AlertChannelDown' and raised_at is not null`,
    )
    assert.equal(down.length, 1)
  })
})

test('pauses between tries grow from a second to five minutes, never in step', () => {
  const random = seededRandom(7)
  for (const [tries, least, most] of [
    [1, 1_000, 2_000],
    [5, 16_000, 32_000],
    [9, 150_000, 300_000],
    [500, 150_000, 300_000],
  ] as const) {
    const pauses = Array.from({ length: 100 }, () => pauseMs(tries, random))
    assert.ok(Math.min(...pauses) >= least && Math.max(...pauses) <= most, `${tries} tries`)
    assert.ok(new Set(pauses).size > 50)
  }
})

describe('the guard', () => {
  test('counts from what it has seen itself: a night in which nothing ran is no silence', () => {
    const silenceOf = guardRounds(1_000)
    assert.equal(silenceOf(null, 4_000), 3_000)
    assert.equal(silenceOf(new Date(5), 5_000), 0)
    assert.equal(silenceOf(new Date(5), 9_000), 4_000)
    assert.equal(silenceOf(new Date(6), 10_000), 0)
  })

  test('raises the alert when the watcher makes no rounds, once for all replicas; the next round ends it', async () => {
    await using alerts = await openAlerts()
    const [channel] = alerts.channels
    assert.ok(channel)
    await alerts.watch(1, well)
    const replicas = [guardRounds(0), guardRounds(0)]
    const look = async (nowMs: number) => {
      for (const silenceOf of replicas) await guardOnce(silenceOf, nowMs, alerts.telling, alerts)
    }
    await look(0)
    await look(30_000)
    assert.deepEqual(await statesOf(alerts), [])
    alerts.time.ms += 30_001
    await look(30_001)
    await look(90_000)
    await alerts.watch(31, well)
    await look(91_000)
    await alerts.deliver(channel)
    assert.deepEqual(subjectsOf(channel), ['raised: WatcherDead, the watcher', 'cleared: WatcherDead, the watcher'])
  })
})
