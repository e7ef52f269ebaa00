// Migrations that old code survives: they add, or say in their name which migration the code must know.
import type { File } from '../project.ts'
import { type Finding, inEach, product, type Rule } from '../rule.ts'
import { at, lineOf, nodesOf, stringOf } from '../syntax.ts'

const contracting: readonly RegExp[] = [
  /\bdrop\s+(?:table|column|function|type|view|sequence)\s+(?:if\s+exists\s+)?\w+/gi,
  /\brename\s+(?:column\s+\w+\s+)?to\s+\w+/gi,
  /\balter\s+column\s+\w+\s+(?:set\s+not\s+null|(?:set\s+data\s+)?type\b)/gi,
  // Who does not know the column could insert no row any more.
  /\badd\s+column\s+(?:if\s+not\s+exists\s+)?\w+\s(?:(?!\bdefault\b|\bgenerated\b)[^,;])*?\bnot\s+null(?![^,;]*\b(?:default|generated)\b)/gi,
]

/** The name under which a line's statement runs. */
const nameAbove = (lines: readonly string[], line: number): string =>
  lines
    .slice(0, line)
    .map((text) => /^\s*'(\d{4}[^']*)':/.exec(text)?.[1])
    .findLast((name) => name !== undefined) ?? ''

const unannounced = (file: File): Finding[] => {
  const lines = file.text.split('\n')
  return nodesOf(file).flatMap((node) => {
    const statement = stringOf(node) ?? ''
    if (/-needs-\d{4}$/.test(nameAbove(lines, lineOf(file, node)))) return []
    return contracting
      .flatMap((pattern) => [...statement.matchAll(pattern)])
      .flatMap(([found]) => at(file, node, `says "${found.replaceAll(/\s+/g, ' ')}"`))
  })
}

export const rulesOfMigrations: readonly Rule[] = [
  {
    name: 'expand-then-contract',
    why: 'Old replicas work on while a new version migrates. What takes something away from them is named ...-needs-0008, after the migration that code must know to do without it.',
    covers: product('**/migrations.ts'),
    least: 4,
    find: inEach(unannounced),
  },
]
