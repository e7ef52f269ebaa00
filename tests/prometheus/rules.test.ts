// The rules for Prometheus, by its own tool: they are valid, each raises and does not raise, and all say what aTES says.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type AlertName, alertNames, catalog, clearAfterMs } from '../../services/operations/alerts/rules/catalog.ts'

const folder = join(import.meta.dirname, '../../deploy/prometheus')

const promtool = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

const msOf = (text: string): number => {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[text.at(-1) ?? '']
  return Number(text.slice(0, -1)) * (unit ?? Number.NaN)
}

const rules = new Map(
  (await readFile(join(folder, 'rules.yml'), 'utf8'))
    .split('- alert: ')
    .slice(1)
    .map((text) => [text.split('\n')[0] ?? '', text] as const),
)
const cases = await readFile(join(folder, 'rules-test.yml'), 'utf8')
const fieldOf = (text: string, name: string): string => new RegExp(`^ +${name}: (\\S+)$`, 'm').exec(text)?.[1] ?? ''

/** Prometheus may not have scraped once when it starts, so that here it takes some seconds more. */
const holdMsOf = (name: AlertName): number => (name === 'WatcherDead' ? 30_000 : catalog[name].holdMs)
/** Where a number of seconds, or of things, is the limit. */
const limitOf = (text: string): number => Number(/> (\d+)\n/.exec(text)?.[1] ?? Number.NaN)
const withLimit = alertNames.filter((name) => name !== 'ConsumerLag' && limitOf(rules.get(name) ?? '') > 0)

test('the rules are valid', () => {
  const { status, said } = promtool('check', 'rules', 'rules.yml')
  assert.equal(status, 0, said)
})

test('each alert is raised when it should be, and only then', () => {
  const { status, said } = promtool('test', 'rules', 'rules-test.yml')
  assert.equal(status, 0, said)
})

test('there is a rule for each alert of aTES, and one alert for each rule', () => {
  assert.deepEqual([...rules.keys()].toSorted(), alertNames.toSorted())
})

for (const name of alertNames)
  describe(name, () => {
    const rule = rules.get(name) ?? ''

    test('is held, kept and weighed as aTES does it', () => {
      assert.equal(msOf(fieldOf(rule, 'for')), holdMsOf(name))
      assert.equal(msOf(fieldOf(rule, 'keep_firing_for')), clearAfterMs)
      assert.equal(fieldOf(rule, 'severity'), catalog[name].severity)
      assert.equal(fieldOf(rule, 'runbook'), `docs/operate/runbooks/${name}.md`)
    })

    test('has a case in which it is raised and one in which it is not', () => {
      assert.match(cases, new RegExp(`name: ${name}, `))
      assert.match(cases, new RegExp(`name: ${name} not, `))
    })
  })

test('where the limit is a number, it is the same one', () => {
  assert.ok(withLimit.length >= 8, withLimit.join())
  for (const name of withLimit) assert.equal(limitOf(rules.get(name) ?? ''), catalog[name].threshold / 1_000, name)
  // A head that was there so long ago.
  const offset = / offset (\S+),/.exec(rules.get('ConsumerLag') ?? '')?.[1] ?? ''
  assert.equal(msOf(offset), catalog.ConsumerLag.threshold)
})
