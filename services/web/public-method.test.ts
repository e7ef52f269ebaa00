// Schemas as rows that people can read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaRows } from './public-method.ts'

test('every value has its row, with its type, its bounds and whether it must be there', () => {
  const schema = {
    type: 'object',
    required: ['people', 'next'],
    properties: {
      people: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id'],
          properties: {
            id: { type: 'integer', minimum: 1, maximum: 9, description: 'number of a person' },
            role: { type: 'string', enum: ['popug', 'admin'] },
          },
        },
      },
      next: { anyOf: [{ type: 'string' }, { type: 'null' }], description: 'the next page' },
      at: { type: 'string', format: 'date-time' },
      limit: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    },
  }
  assert.deepEqual(
    schemaRows(schema).map(({ name, type, required }) => `${name}: ${type}${required ? '!' : ''}`),
    [
      'people[]: object!',
      'people[].id: integer 1..9!',
      'people[].role: popug | admin',
      'next: string | null!',
      'at: date-time',
      'limit: integer 0..',
    ],
  )
  assert.deepEqual(
    schemaRows(schema)
      .map(({ description }) => description)
      .filter(Boolean),
    ['number of a person', 'the next page'],
  )
})

test('what is no schema has no rows, and one that goes on for ever ends', () => {
  for (const nothing of [null, 7, 'x', [], {}, { properties: 7 }]) assert.deepEqual(schemaRows(nothing), [])
  const endless: { properties: Record<string, unknown> } = { properties: {} }
  endless.properties['more'] = endless
  assert.equal(schemaRows(endless).length, 7)
})
