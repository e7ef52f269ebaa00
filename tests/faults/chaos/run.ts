// `npm run chaos -- --minutes 10 --seed 42`: chaos on servers of its own, which end with it, also by Ctrl-C.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { OwnPostgres } from '../../servers/own-postgres.ts'
import { seedOf } from '../../support/random.ts'

const perMinute = 100_000
const usage = 'npm run chaos -- [--minutes 10] [--seed N] [--events 1000000] [--only PATTERN]'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const stopped = new AbortController()
const stop = () => stopped.abort(new Error('stopped'))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    events: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})

const main = async (): Promise<number> => {
  const minutes = Number(values.minutes)
  const events = Number(values.events ?? minutes * perMinute)
  if (!(minutes > 0) || !Number.isSafeInteger(events)) {
    say(usage)
    return 1
  }
  if (values.seed !== undefined) process.env['ATES_TEST_SEED'] = values.seed
  const seed = seedOf('chaos')
  process.env['ATES_TEST_SEED'] = String(seed)
  await using view = await OwnPostgres.open()
  process.env['ATES_TEST_DATABASE_URL'] = view.url('postgres')
  // These ask at once which server is the one under test.
  const { chaos } = await import('./chaos.ts')
  const { replicas } = await import('./company.ts')
  const { faults } = await import('./faults.ts')
  const { complaints, report } = await import('./report.ts')
  const kinds = faults.filter(({ does }) => new RegExp(values.only).test(does))
  if (kinds.length === 0) throw new Error(`no fault is like ${values.only}`)
  say(
    `${minutes} minutes on ${cpus().length} x ${cpus()[0]?.model}; ${JSON.stringify(replicas)}; Node ${process.version}`,
  )
  const options = { seed, events, lastsMs: minutes * 60_000, signal: stopped.signal, say, kinds }
  const outcome = await chaos(options).catch((error: unknown) => {
    if (stopped.signal.aborted) return null
    throw error
  })
  if (outcome === null) {
    say('stopped before its end; nothing was audited')
    return 130
  }
  for (const line of report(outcome)) say(line)
  const wrong = complaints(outcome, events)
  for (const line of wrong) say(`WRONG      ${line}`)
  return wrong.length === 0 ? 0 : 1
}

process.exitCode = await main()
