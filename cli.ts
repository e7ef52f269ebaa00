// The operators' tool: `npm run ates -- <command>`. Works beside a running aTES and when none runs.
import { parseArgs } from 'node:util'
import { jsonLog } from './adapters/log.ts'
import { newTokenKey } from './adapters/transport/token.ts'
import { type Application, startApplication } from './application.ts'
import { linesOf, UsageError } from './complaints.ts'
import { readConfig } from './config.ts'
import { eventsCommand, eventsUsage } from './events-tool.ts'
import { serviceRole } from './kernel/contract.ts'
import { must } from './kernel/result.ts'
import { accounting } from './services/accounting/contract.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const behalf = { actor: { id: null, role: serviceRole }, requestId: `cli-${process.pid}`, timeoutMs: 300_000 }

type Run = () => Promise<void>
/** Reads its arguments, and tells what to do. Throws `UsageError`. */
type Command = (args: readonly string[]) => Run

/** Runs with the services of this configuration, called directly; nothing is served meanwhile. */
const withApplication = async (
  work: (application: Application) => Promise<void>,
  options: { migrate?: boolean } = {},
): Promise<void> => {
  const config = readConfig([], process.env)
  const log = jsonLog(process.env['ATES_LOG_LEVEL'] ? config.logLevel : 'warn')
  await using application = await startApplication({ config, log, serve: false, ...options })
  await work(application)
}

const failed = (): void => {
  process.exitCode = 1
}

interface Counted {
  readonly differences: readonly unknown[]
  readonly differing?: number | undefined
}

/** How many there are, and that not all were named where that is so. */
const counted = ({ differences: { length: named }, differing = named }: Counted): string =>
  `${differing} differences${named < differing ? `, of which ${named} are named` : ''}`

const verify = (): Promise<void> =>
  withApplication(async ({ host }) => {
    const auditor = { ...behalf, actor: { id: 0, role: 'admin' } }
    const verified = must(await host.call(accounting.verifyLedger, {}, auditor))
    for (const { what, where, expected, found } of verified.differences)
      say(`${where}: ${what}; expected ${expected}, found ${found}`)
    const { postings, accounts, upTo } = verified
    say(`ledger: ${postings} postings, ${accounts} accounts, up to event ${upTo}: ${counted(verified)}`)
    const rebuilt = await host.replay('accounting', { swap: false })
    for (const { table, what, row } of rebuilt.differences) say(`${table}: ${what} ${row}`)
    say(`against the event log: ${rebuilt.rows} rows up to event ${rebuilt.upTo}: ${counted(rebuilt)}`)
    if (verified.differences.length + rebuilt.differing > 0) failed()
  })

const replay: Command = (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { swap: { type: 'boolean', default: false }, all: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [service] = positionals
  if (!service) throw new UsageError('replay needs a service, for example: replay accounting')
  return () => rebuild(service, { swap: values.swap, ...(values.all ? { mostNamed: 2 ** 31 } : {}) })
}

const rebuild = (service: string, how: Parameters<Application['host']['replay']>[1]): Promise<void> =>
  withApplication(async ({ host }) => {
    const replayed = await host.replay(service, how)
    const { upTo, rows, swapped } = replayed
    for (const { table, what, row } of replayed.differences) say(`${table}: ${what} ${row}`)
    say(
      `replayed ${service} up to event ${upTo}: ${rows} rows compared, ${counted(replayed)}${swapped ? ', swapped' : ''}`,
    )
    if (replayed.differing > 0 && !swapped) failed()
  })

const events: Command = (args) => {
  const run = eventsCommand(args)
  return () =>
    withApplication(async ({ host }) => {
      if (!(await run(host, say))) failed()
    })
}

const migrate = (): Promise<void> =>
  withApplication(() => Promise.resolve(say('the schemas are up to date')), { migrate: true })

const withoutArguments =
  (run: Run): Command =>
  (args) => {
    if (args[0] !== undefined) throw new UsageError(`${args[0]} is one word too many`)
    return run
  }

const usage = `npm run ates -- <command>
  ledger verify                                recompute the ledger and compare it with the event log; exit 1 on any difference
  replay <service> [--swap] [--all]            rebuild derived tables from the events beside the live ones, compare, swap on
                                               demand; names the first hundred differences of each kind, or all
${eventsUsage}
  migrate                                      bring the schemas up to date
  new-key                                      a key for ATES_TOKEN_KEY`

const commands: Readonly<Record<string, Command>> = {
  'ledger verify': withoutArguments(verify),
  replay,
  events,
  migrate: withoutArguments(migrate),
  'new-key': withoutArguments(async () => say(JSON.stringify(await newTokenKey()))),
}

/** What these words ask for, read to the end before anything is done. Throws `UsageError`. */
export const commandOf = ([first = '', second = '', ...rest]: readonly string[]): Run => {
  const two = commands[`${first} ${second}`]
  const one = commands[first]
  if (two) return two(rest)
  if (one) return one(second === '' ? rest : [second, ...rest])
  throw new UsageError(usage)
}

const main = async (): Promise<void> => {
  try {
    await commandOf(process.argv.slice(2))()
  } catch (error) {
    for (const line of linesOf(error, 'do this')) process.stderr.write(`${line}\n`)
    process.exitCode = 1
  }
}

if (import.meta.main) await main()
