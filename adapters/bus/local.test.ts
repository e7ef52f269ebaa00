// The bus inside one process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandMadeProducer } from '../../tests/support/fixture-producer.ts'
import { silent } from '../../tests/support/silent.ts'
import { busConformance } from './conformance.ts'
import { localBus } from './local.ts'

busConformance('inside one process', () => localBus())

test('a reader that fails is named in the log', async () => {
  const errors: object[] = []
  const bus = localBus({ ...silent, error: (fields) => void errors.push(fields) })
  const failure = new Error('a bug of this reader')
  await bus.subscribe('a-stream', 'a.Reader', () => {
    throw failure
  })
  await bus.publish(new HandMadeProducer('a-stream').say(1).batch(1, 1))
  assert.deepEqual(errors, [{ stream: 'a-stream', reader: 'a.Reader', err: failure }])
})
