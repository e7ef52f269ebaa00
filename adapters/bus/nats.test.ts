// The bus on NATS JetStream keeps the promises of every bus, on the machine's server.
import { after } from 'node:test'
import { manageAt } from '../../tests/nats/broker.ts'
import { silent } from '../../tests/support/silent.ts'
import { busConformance } from './conformance.ts'
import { natsBus } from './nats.ts'

const { ATES_TEST_NATS_URL: url = 'nats://127.0.0.1:4222' } = process.env
const prefix = `test_${crypto.randomUUID().slice(0, 8)}`

after(() =>
  manageAt(url, async (jsm) => {
    for await (const { config } of jsm.streams.list())
      if (config.name.startsWith(`${prefix}-`)) await jsm.streams.delete(config.name)
  }),
)

busConformance('on NATS JetStream', () => natsBus({ url, prefix, replicas: 1, log: silent }))
