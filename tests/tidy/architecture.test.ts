// The rules of the architecture: each holds, looks at the files it is about, and fails where it is broken.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readProject, withFiles } from './project.ts'
import { examine, type Finding } from './rule.ts'
import { rules } from './rules/index.ts'

const project = readProject(join(import.meta.dirname, '../..'))

const said = ({ path, line, what }: Finding): string => `${path}:${line} ${what}`

for (const rule of rules) {
  describe(rule.name, () => {
    const { covered, found, idle } = examine(rule, project.files)

    test(rule.why, () => {
      assert.ok(found.length === 0, [...found.map(said), rule.why].join('\n'))
    })

    test('is about files that there are', () => {
      assert.ok(covered.length >= rule.least, `looks at ${covered.length} files, at least ${rule.least} were expected`)
    })

    test('lets nothing pass that is not there any more', () => {
      assert.deepEqual(idle, [])
    })

    test('names file and line where it is broken, and nothing else', () => {
      const { files, expected } = project.fixtures.get(rule.name) ?? { files: [], expected: [] }
      const broken = new Set(files.map(({ path }) => path))
      const now = examine(rule, withFiles(project.files, files)).found.filter(({ path }) => broken.has(path))
      assert.ok(expected.length > 0, `tests/tidy/fixtures/${rule.name}/expected.txt says nothing`)
      assert.deepEqual(now.map(said), expected)
    })
  })
}

test('every rule has its own name, and every fixture its rule', () => {
  assert.deepEqual([...project.fixtures.keys()].toSorted(), rules.map(({ name }) => name).toSorted())
})
