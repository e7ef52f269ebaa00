// Runs the tests of one family of faults alone, with a seed: `npm run faults -- --family 6 --seed 42`; --list names them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { isOverNats } from '../machine.ts'

const named = /^family-(\d+)-(.+)\.test\.ts$/

/** Each family with the files of its tests. */
const families = Map.groupBy(globSync('tests/faults/**/family-*.test.ts').toSorted(), (file) =>
  Number(named.exec(basename(file))?.[1]),
)

const list = [...families]
  .toSorted(([one], [other]) => one - other)
  .map(([family, files]) => `${String(family).padStart(2)}  ${files.join(' ')}`)

const usage = 'npm run faults -- --family N [--seed S], or --list'

/** Those that need the machine's servers say so by where they are, or run a second time with one. */
const needsServers = (file: string): boolean => file.startsWith('tests/faults/distributed/') || isOverNats(file)

/** Without a seed each test draws one, and prints it. */
const runFamily = async (files: readonly string[], seed: string | undefined): Promise<number> => {
  const full = files.some(needsServers) ? ['--full'] : []
  const child = spawn(process.execPath, ['--import', './runtime.js', 'tests/run.ts', ...full, ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...(seed === undefined ? {} : { ATES_TEST_SEED: seed }) },
  })
  // A Ctrl-C reaches both, and the runner stops what it started.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: { family: { type: 'string' }, seed: { type: 'string' }, list: { type: 'boolean', default: false } },
  })
  if (values.list) return say(list.join('\n'), 0)
  const files = families.get(Number(values.family))
  if (!files) return say(`${usage}\n${list.join('\n')}`, 1)
  if (!/^\d*$/.test(values.seed ?? '')) return say('a seed is a whole number from 0', 1)
  return runFamily(files, values.seed)
}

const say = (text: string, code: number): number => {
  process.stdout.write(`${text}\n`)
  return code
}

process.exitCode = await main()
