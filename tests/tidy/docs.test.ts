// Pages that are made from the code say what the code says today.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { alertsPath, configurationPage, configurationPath, withAlerts } from '../../docs/generate.ts'

test('docs/configuration.md is what `npm run docs` makes of the settings', async () => {
  assert.equal(await readFile(configurationPath, 'utf8'), configurationPage)
})

test('the table in docs/operate/alerts.md is what `npm run docs` makes of the catalog', async () => {
  const page = await readFile(alertsPath, 'utf8')
  assert.equal(page, withAlerts(page))
})
