// Fails a test with the audit's findings in words.
import assert from 'node:assert/strict'
import type { Finding } from './audit.ts'

const shown = 25

export const assertClean = (findings: readonly Finding[]): void => {
  const lines = findings.map(
    ({ what, where, expected, found }) => `${what}: ${where}: expected ${expected}; found ${found}`,
  )
  const more = lines.length > shown ? [`... and ${lines.length - shown} more`] : []
  assert.equal(lines.length, 0, ['the audit found:', ...lines.slice(0, shown), ...more].join('\n'))
}
