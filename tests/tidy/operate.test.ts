// Pages for operators name what there is: files, settings and metrics, and all metrics.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { settings } from '../../settings.ts'

const top = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(top, path), 'utf8')
const pages = globSync('docs/operate/**/*.md', { cwd: top })
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found)

test('every link of a page leads somewhere', () => {
  assert.ok(pages.length > 5)
  for (const page of pages)
    for (const link of all(read(page), /\]\((?!https?:)([^)#]+)/g))
      assert.ok(existsSync(join(top, dirname(page), link)), `${page}: ${link}`)
})

/** What is promised, with the tests that show it. */
const promisesOf = (readme: string): { promise: string; tests: string[] }[] => {
  const [, section = ''] = /^## What is promised$(.*?)^## /ms.exec(readme) ?? []
  const rows = section.split('\n').filter((line) => /^\| (?!promise |---)/.test(line))
  return rows.map((row) => ({ promise: row.split('|')[1]?.trim() ?? '', tests: all(row, /\]\(([^)]+\.test\.ts)\)/g) }))
}

test('every promise of the README is linked to a test that shows it, and every link of it leads somewhere', () => {
  const readme = read('README.md')
  const promises = promisesOf(readme)
  assert.ok(promises.length > 10)
  for (const { promise, tests } of promises) assert.notEqual(tests.length, 0, promise)
  for (const link of all(readme, /\]\((?!https?:)([^)#]+)/g)) assert.ok(existsSync(join(top, link)), link)
  const broken = promisesOf('## What is promised\n| a promise | by nothing | shown by nobody |\n## Next')
  assert.deepEqual(broken, [{ promise: 'a promise', tests: [] }])
})

test('every file that a page speaks of is there', () => {
  for (const page of pages)
    for (const file of all(read(page), /`?((?:deploy|tests)\/[\w@./-]*\w)/g))
      assert.ok(existsSync(join(top, file)), `${page}: ${file}`)
})

test('every setting that a page names exists', () => {
  for (const page of pages)
    for (const name of all(read(page), /\b((?:ATES|OTEL)_[A-Z_]*[A-Z])\b(?!_|\.\.\.)/g))
      assert.ok(name in settings.shape || name === 'ATES_POSTGRES_HOST', `${page}: ${name}`)
})

test('the page on metrics names those that there are, and all', () => {
  const named = new Set(all(read('docs/operate/observability.md'), /`(ates_\w+)`/g))
  const made = new Set(all(read('adapters/metrics.ts'), /'(ates_\w+)'/g))
  assert.ok(made.size > 10)
  assert.deepEqual([...named].toSorted(), [...made].toSorted())
})
