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
