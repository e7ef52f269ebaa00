// The bus on NATS JetStream keeps the promises of every bus, on the machine's server, and says what it finds there.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { StorageType } from '@nats-io/jetstream'
import { manageAt, openBroker } from '../../tests/nats/broker.ts'
import { busAt, producerOf } from '../../tests/nats/listening.ts'
import { rememberingLog } from '../../tests/support/remembering.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { silent } from '../../tests/support/silent.ts'
import { busConformance } from './conformance.ts'
import { natsBus } from './nats.ts'
import { namesOf, streamSettings } from './nats-settings.ts'

const { ATES_TEST_NATS_URL: url = 'nats://127.0.0.1:4222' } = process.env
const prefix = `test_${crypto.randomUUID().slice(0, 8)}`

after(() =>
  manageAt(url, async (jsm) => {
    for await (const { config } of jsm.streams.list())
      if (config.name.startsWith(`${prefix}-`)) await jsm.streams.delete(config.name)
  }),
)

busConformance('on NATS JetStream', () => natsBus({ url, prefix, replicas: 1, log: silent }))

const names = namesOf('test', 'author')
const producer = producerOf(10)

test('a stream is made with the settings that are written down', async () => {
  await using broker = await openBroker()
  await using bus = busAt(broker.url)
  await bus.publish(producer.batch(1, 10))
  const wanted = streamSettings(names, 1)
  const { config } = await broker.manage((jsm) => jsm.streams.info(names.stream))
  for (const [name, value] of Object.entries(wanted))
    assert.deepEqual(Object.entries(config).find(([one]) => one === name)?.[1], value, name)
})

test('the server and its version are said, and a stream that endangers events is warned of once, with the mend', async () => {
  await using broker = await openBroker()
  await broker.manage((jsm) => jsm.streams.add({ ...streamSettings(names, 1), storage: StorageType.Memory }))
  const { log, lines } = rememberingLog()
  await using bus = busAt(broker.url, log)
  await bus.publish(producer.batch(1, 5))
  await bus.subscribe('author', 'a.Reader', () => undefined)
  await bus.publish(producer.batch(6, 10))
  assert.match(lines[0] ?? '', /connected to the broker .*"version":"\d+\.\d+\.\d+/)
  assert.match(lines[1] ?? '', /endanger events .*"stream":"test-author".*storage is memory: .* recreate it with file/)
  assert.equal(lines.length, 2)
})

test('a server that refuses our messages is warned of, with the mend', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ates-test-nats-'))
  const settings = join(folder, 'nats.conf')
  await writeFile(settings, 'max_payload: 65536')
  await using broker = await openBroker({ args: ['-c', settings] })
  const { log, lines } = rememberingLog()
  await using bus = busAt(broker.url, log)
  await bus.publish(producer.batch(1, 5))
  assert.match(lines[1] ?? '', /the broker's settings endanger events .*max_payload is 65536: .*set it to at least/)
  await rm(folder, { recursive: true })
})

test('a server without JetStream is named as the cause', async () => {
  await using broker = await openBroker({ jetStream: false })
  await using bus = busAt(broker.url)
  await assert.rejects(bus.publish(producer.batch(1, 5)), /the broker did not take events/)
  const said = await bus.publish(producer.batch(1, 5)).catch((error: Error) => String(error.cause))
  assert.match(String(said), /no JetStream answers: is the broker started with -js\?/)
})

test('a publish that cannot reach the broker fails at once, and says so', async () => {
  await using broker = await openBroker({ away: true })
  await using bus = busAt(broker.url)
  const begun = performance.now()
  await assert.rejects(bus.publish(producer.batch(1, 10)), /the broker did not take events/)
  await assert.rejects(bus.publish(producer.heartbeat()), /the broker cannot be reached/)
  assert.ok(performance.now() - begun < 2_000)
})

const at = (port: number, who: string) => `nats://${who}@127.0.0.1:${port}`

test('user and password stand in the address, whatever letters they have', async () => {
  await using broker = await openBroker({ args: ['--user', 'ates', '--pass', '9:secret@1'] })
  await using bus = busAt(at(broker.port, `ates:${encodeURIComponent('9:secret@1')}`))
  await bus.publish(producer.batch(1, 5))
  const { log, lines } = rememberingLog()
  await using stranger = busAt(at(broker.port, 'ates:wrong'), log)
  await stranger.subscribe('author', 'a.Reader', () => undefined)
  await assert.rejects(stranger.publish(producer.batch(1, 5)))
  assert.match(lines.join(), /authorization/i)
  assert.doesNotMatch(lines.join(), /wrong/)
})

test('a token stands in the address', async () => {
  await using broker = await openBroker({ args: ['--auth', 'a-token'] })
  await using bus = busAt(at(broker.port, 'a-token'))
  await bus.publish(producer.batch(1, 5))
})

test('tls in the address insists on encryption', async () => {
  await using broker = await openBroker()
  await using bus = busAt(broker.url.replace('nats:', 'tls:'))
  await assert.rejects(bus.publish(producer.heartbeat()), /cannot be reached/)
})

test('what others send on our subjects harms nobody', async () => {
  await using broker = await openBroker()
  const { log, lines } = rememberingLog()
  await using bus = busAt(broker.url, log)
  const numbers: number[] = []
  await bus.subscribe('author', 'a.Reader', ({ events }) => void numbers.push(...events.map(({ number }) => number)))
  await broker.manage(async (_jsm, nc) => {
    for (const subject of [names.events, names.heads])
      for (const text of ['', '{', 'null', '{"stream":"author","events":1}', '\u0000']) nc.publish(subject, text)
    await nc.flush()
  })
  await bus.publish(producer.batch(1, 10))
  await eventually('the events', () => numbers.length === 10)
  assert.equal(lines.filter((line) => line.includes('no batch of events')).length, 10)
})

test('the consumer of a subscription that ended is gone, and says whose it was', async () => {
  await using broker = await openBroker()
  await using bus = busAt(broker.url)
  const end = await bus.subscribe('author', 'accounting.Ledger', () => undefined)
  const consumers = () =>
    broker.manage(async (jsm) => (await jsm.consumers.list(names.stream).next()).map(({ name }) => name))
  assert.match((await consumers()).join(), /^accounting-Ledger-\w+_1$/)
  await end()
  assert.deepEqual(await consumers(), [])
  await bus.subscribe('author', 'accounting.Ledger', () => undefined)
  await bus.close()
  assert.deepEqual(await consumers(), [])
})
