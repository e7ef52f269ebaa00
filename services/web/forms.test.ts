// What damaged input of a form or a query string becomes: a refusal, never a surprise.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { taskTracker } from '../task-tracker/contract.ts'
import { check, decodeFields, idFrom, localPath, readForm } from './forms.ts'
import { Problem } from './problem.ts'

const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code

const formOf = (body: string | Uint8Array<ArrayBuffer>, type = 'application/x-www-form-urlencoded') =>
  readForm(new Request('http://ates.test/tasks', { method: 'POST', body, headers: { 'content-type': type } }), '/tasks')

describe('fields', () => {
  test('are decoded strictly', () => {
    assert.deepEqual(
      [...decodeFields('a=1&b=x+y%26&c=&d&%D1%8F=%F0%9F%A6%9C&a=2')],
      [
        ['a', '2'],
        ['b', 'x y&'],
        ['c', ''],
        ['d', ''],
        ['я', '🦜'],
      ],
    )
    assert.equal(decodeFields('a=b=c').get('a'), 'b=c')
    assert.equal(decodeFields('').size, 0)
  })

  for (const damaged of [
    'a=%',
    'a=%zz',
    'a=%ff',
    'a=%ED%A0%80',
    '%C3=1',
    Array.from({ length: 201 }, (_, i) => `f${i}=`).join('&'),
  ]) {
    test(`are refused when damaged: ${damaged.slice(0, 20)}`, () => {
      assert.throws(() => decodeFields(damaged), isProblem('badRequest'))
    })
  }
})

describe('a form', () => {
  test('keeps its key, and ends of lines are one character', async () => {
    const form = await formOf('key=0a1b2c3d-key&description=one%0D%0Atwo')
    assert.equal(form.key, '0a1b2c3d-key')
    assert.equal(form.text('description'), 'one\ntwo')
    assert.equal(form.text('absent'), '')
  })

  test('gets a key when it has none that could be one', async () => {
    for (const body of ['a=1', 'key=', 'key=a%20b', 'key=%00%00%00%00%00%00%00%00', `key=${'x'.repeat(101)}`]) {
      assert.match((await formOf(body)).key, /^[\w-]{36}$/)
    }
  })

  test('is refused in other types and broken encodings', async () => {
    await assert.rejects(formOf('{}', 'application/json'), isProblem('wrongType'))
    await assert.rejects(formOf('a=1', 'multipart/form-data; boundary=x'), isProblem('wrongType'))
    await assert.rejects(formOf(new Uint8Array([97, 61, 0xff, 0xfe])), isProblem('badRequest'))
  })
})

test('fields are checked by the contract', () => {
  const schema = taskTracker.createTask.input
  assert.deepEqual(check(schema, { description: ' Feed them ' }), { value: { description: 'Feed them' } })
  const cases: [Record<string, unknown>, string][] = [
    [{ description: '  ' }, 'description'],
    [{ description: 'a\0b' }, 'description'],
    [{ description: '\ud800' }, 'description'],
    [{ description: 'x'.repeat(2_001) }, 'description'],
    [{ description: 'x', popugId: 2 ** 31 }, 'popugId'],
  ]
  for (const [fields, wrong] of cases) assert.deepEqual(check(schema, fields as never), { wrong: new Set([wrong]) })
})

test('ids are what a database can hold', () => {
  assert.equal(idFrom('1'), 1)
  assert.equal(idFrom('2147483647'), 2_147_483_647)
  for (const digits of ['', '0', '-1', '01', '1.5', '1e3', ' 1', '2147483648', '9'.repeat(30), '٣', 'x'])
    assert.equal(idFrom(digits), null, digits)
})

test('the way back stays on this site', () => {
  assert.equal(localPath('/tasks?state=open&text=a%20b'), '/tasks?state=open&text=a%20b')
  for (const away of [
    undefined,
    '',
    'tasks',
    'https://evil.test',
    '//evil.test',
    '/\\evil.test',
    '/\t/evil.test',
    '/.//evil.test',
    '/tasks/..//evil.test',
    '/%2e//evil.test',
    '/./\\evil.test',
    'javascript:alert(1)',
    `/${'x'.repeat(1_001)}`,
  ]) {
    assert.match(localPath(away), /^\/(?![/\\])/, String(away))
    assert.doesNotMatch(localPath(away), /evil/)
  }
})
