// Pages that are made from the code say what the code says today.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { configurationPage, configurationPath } from '../../docs/generate.ts'

test('docs/configuration.md is what `npm run docs` makes of the settings', async () => {
  assert.equal(await readFile(configurationPath, 'utf8'), configurationPage)
})
