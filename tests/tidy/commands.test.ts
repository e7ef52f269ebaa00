// The operators' tool reads a whole command before it does anything, and every command that a page for operators names
// exists.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { commandOf } from '../../cli.ts'
import { UsageError } from '../../complaints.ts'
import { eventsUsage } from '../../events-tool.ts'

const top = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(top, path), 'utf8')

/** The commands in a page, as a shell gives them to the tool. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/npm run (?:-s )?ates -- ([^\n`]+)/g)].map(([, command = '']) => command.replace(/ #.*/, '').trim())

/** What stands for something that is known when it is typed. */
const examples: Readonly<Record<string, string>> = {
  after: '4',
  'up to': '9',
  number: '7',
  act: '3',
  fingerprint: 'abc123',
  why: 'the reason',
}

const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|'([^']*)'|<([^>]+)>|(\S+)/g)].map(([, double, single, place, plain]) => {
    const word = double ?? single ?? plain ?? `<${place}>`
    return word.replaceAll(/<([^>]+)>/g, (_, name: string) => examples[name] ?? `<${name}>`)
  })

const reads = (command: string) => () => void commandOf(wordsOf(command))

const pages = globSync('docs/operate/**/*.md', { cwd: top })

describe('a command', () => {
  for (const page of pages) {
    const commands = commandsIn(read(page))
    for (const command of new Set(commands))
      test(`of ${page} is understood: ${command}`, () => assert.doesNotThrow(reads(command)))
  }

  test('is shown by the README as by the tool itself', () => {
    assert.ok(read('README.md').includes(eventsUsage.replaceAll(/^/gm, '    ')))
  })

  test('is looked for on all runbooks', () => {
    const named = pages.filter((page) => commandsIn(read(page)).length > 0)
    assert.ok(named.filter((page) => page.includes('runbooks')).length >= 10, named.join())
  })

  const wrong = [
    'events',
    'events statu',
    'events status now',
    'events status --all',
    'events alerts --dry-run',
    'events positions',
    'events parked accounting ledger --state lost',
    'events retry accounting ledger',
    'events retry accounting ledger seven',
    'events retry accounting ledger 7 --group abc123',
    'events discard accounting ledger 7',
    'events refetch accounting ledger 4',
    'events refetch accounting ledger 9 4',
    'events redeliver task-tracker 4',
    'events pause accounting ledger',
    'events cancel',
    'events cancel it',
    'events resume accounting ledger --by ""',
    'ledger verify now',
    'migrate everything',
  ]
  for (const command of wrong)
    test(`is refused before anything is done: ${command}`, () => assert.throws(reads(command), UsageError))

  test('is refused when an option is misspelt', () =>
    assert.throws(reads('events refetch accounting ledger 4 9 --dryrun'), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' }))
})
