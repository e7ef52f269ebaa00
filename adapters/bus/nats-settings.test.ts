// Names, and what in the settings of streams and servers endangers events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import { namesOf, serverDangers, streamDangers, streamSettings } from './nats-settings.ts'

const names = namesOf('ates', 'task-tracker')
const wanted = streamSettings(names, 3)
/** As the server gives it back when aTES has made it. */
const made = {
  ...wanted,
  sealed: false,
  max_msgs: -1,
  max_msg_size: -1,
  max_msgs_per_subject: -1,
  max_consumers: -1,
} as unknown as StreamConfig

const dangersOf = (change: Partial<StreamConfig>): string[] => streamDangers({ ...made, ...change }, wanted)

test('no two of prefix and stream share a name at the broker', () => {
  assert.deepEqual(names, {
    stream: 'ates-task-tracker',
    events: 'ates.task-tracker.events',
    heads: 'ates.task-tracker.heads',
  })
  assert.notEqual(namesOf('ates_task', 'tracker').stream, names.stream)
  assert.notEqual(namesOf('ates', 'task_tracker').stream, names.stream)
})

test('the settings that aTES asks for endanger nothing, nor do wider ones', () => {
  assert.deepEqual(dangersOf({}), [])
  const wider = { num_replicas: 5, max_bytes: -1, max_age: 0, max_msgs: 0, max_msg_size: 0, max_msgs_per_subject: 0 }
  assert.deepEqual(dangersOf({ ...wider, subjects: ['ates.another.events', ...wanted.subjects] }), [])
})

const dangerous: readonly (readonly [Partial<StreamConfig>, RegExp])[] = [
  [{ subjects: ['ates.>'] }, /does not hear ates\.task-tracker\.events: add/],
  [{ sealed: true }, /sealed/],
  [{ no_ack: true }, /no_ack .* unset/],
  [{ storage: StorageType.Memory }, /storage is memory: .* file/],
  [{ retention: RetentionPolicy.Workqueue }, /retention is workqueue: .* limits/],
  [{ retention: RetentionPolicy.Interest }, /retention is interest: .* limits/],
  [{ discard: DiscardPolicy.New }, /discard is new: .* old/],
  [{ num_replicas: 1 }, /1 replicas instead of 3: raise/],
  [{ max_msg_size: 100_000 }, /max_msg_size is 100000: .* -1/],
  [{ max_bytes: 1_000_000 }, /max_bytes is 1000000: set it to 268435456/],
  [{ max_age: 1_000_000_000 }, /max_age is 1000000000 ns: set it to/],
  [{ max_msgs: 10 }, /max_msgs is 10: set it to -1/],
  [{ max_consumers: 5 }, /max_consumers is 5: .* -1/],
  [{ max_msgs_per_subject: 1 }, /max_msgs_per_subject is 1: set it to -1/],
]

for (const [change, mend] of dangerous) {
  test(`a stream with ${JSON.stringify(change)} is warned of, with the mend`, () => {
    const found = dangersOf(change)
    assert.equal(found.length, 1, found.join('; '))
    assert.match(found[0] ?? '', mend)
  })
}

const megabyte = 1024 ** 2

test('servers are warned of by their version', () => {
  for (const version of ['2.9.4', '2.9.10', '2.10.0', '2.12.1', '3.0.0', '2.9.4-beta.1'])
    assert.deepEqual(serverDangers({ version, max_payload: megabyte }, 1), [], version)
  for (const version of ['2.9.3', '2.8.99', '1.99.99'])
    assert.match(serverDangers({ version, max_payload: megabyte }, 1).join(), /use 2\.9\.4 or newer/, version)
})

test('servers are warned of when they refuse our messages', () => {
  assert.match(serverDangers({ version: '2.9.10', max_payload: 65_536 }, 1).join(), /max_payload is 65536: .* 262144/)
})

test('servers of a cluster are warned of when streams have too few copies for the loss of a node', () => {
  const server = { version: '2.9.10', max_payload: megabyte, cluster: 'three-nodes' }
  assert.match(serverDangers(server, 1).join(), /cluster three-nodes, .* 1 copies: set ATES_NATS_REPLICAS to 3/)
  assert.deepEqual(serverDangers(server, 3), [])
})
