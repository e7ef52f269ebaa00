// Which failures pass by themselves, which are the event's own, and which may be either.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeError, isRepeatable, isTransient, RepeatableFailure } from './failure.ts'
import { Fault } from './result.ts'

const coded = (code: string): Error => Object.assign(new Error('as the driver says it'), { code })

const passing: readonly Error[] = [
  ...['08000', '08006', '40001', '40P01', '53100', '53200', '53300', '53400', '55006', '55P03'].map(coded),
  ...['57000', '57014', '57P01', '57P02', '57P03', '58000', '58030', 'XX000', 'XX001', '25P03', '25P04'].map(coded),
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH'].map(
    coded,
  ),
  new Error('Connection terminated'),
  new Error('Connection terminated unexpectedly'),
  new Error('Connection terminated due to connection timeout'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Client has encountered a connection error and is not queryable'),
  new Error('Client was closed and is not queryable'),
  new Error('Postgres connection has been discarded'),
  new Fault('unavailable', ''),
  new Fault('deadline', ''),
  new Fault('outcome_unknown', ''),
]

const ofTheData: readonly Error[] = [
  ...['22001', '22003', '22012', '22P02', '22P05', '23502', '23503', '23505', '23514', '23P01'].map(coded),
  new RepeatableFailure('the same key with other content'),
]

/** A bug, or chance: worth a few more tries, and then it is the event's. */
const either: readonly Error[] = [
  ...['0A000', '25P02', '25006', '42601', '42P01', '42501', 'P0001', '2200', '080066'].map(coded),
  new Error('a bug'),
  new TypeError('Cannot read properties of undefined'),
  new Fault('internal', ''),
  new Error('task 7 was discarded'),
  new Error('the list is not queryable'),
  new Error('the line said: Connection terminated'),
]

const nameOf = (error: Error): string => describeError(error)

test('what passes by itself is never taken for a failure of the data', () => {
  for (const error of passing) assert.deepEqual([isTransient(error), isRepeatable(error)], [true, false], nameOf(error))
})

test('a failure of the data is never waited out', () => {
  for (const error of ofTheData)
    assert.deepEqual([isTransient(error), isRepeatable(error)], [false, true], nameOf(error))
})

test('everything else is neither, whatever its words are', () => {
  for (const error of either) assert.deepEqual([isTransient(error), isRepeatable(error)], [false, false], nameOf(error))
  for (const thrown of [undefined, null, 'Connection terminated', 42]) assert.equal(isTransient(thrown), false)
})

test('an error is described in one text with its code and its causes, and the database can keep that text', () => {
  const cause = Object.assign(new Error('division by zero'), { code: '22012' })
  assert.equal(
    describeError(new Fault('internal', 'apply failed', { cause: new TypeError('no rate', { cause }) })),
    'Fault: apply failed <- TypeError: no rate <- Error 22012: division by zero',
  )
  assert.equal(describeError('a text'), 'a text')
  assert.equal(describeError(new Error('before\0after')), 'Error: beforeafter')
  assert.equal(describeError('before\0after'), 'beforeafter')
})
