// The operators' tool: `npm run ates -- <command>`. Works beside a running aTES and when none runs.
import { parseArgs } from 'node:util'
import { EmbeddedError } from './adapters/database/embedded.ts'
import { jsonLog } from './adapters/log.ts'
import { newTokenKey } from './adapters/transport/token.ts'
import { type Application, startApplication } from './application.ts'
import { ConfigError, readConfig } from './config.ts'
import { eventsUsage, runEvents, UsageError } from './events-tool.ts'
import { serviceRole } from './kernel/contract.ts'
import { must } from './kernel/result.ts'
import { SchemaError } from './kernel/schema-level.ts'
import { accounting } from './services/accounting/contract.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const behalf = { actor: { id: null, role: serviceRole }, requestId: `cli-${process.pid}`, timeoutMs: 300_000 }

type Command = (args: readonly string[]) => Promise<void>

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

const verify: Command = () =>
  withApplication(async ({ host }) => {
    const auditor = { ...behalf, actor: { id: 0, role: 'admin' } }
    const { postings, accounts, upTo, differences } = must(await host.call(accounting.verifyLedger, {}, auditor))
    for (const { what, where, expected, found } of differences)
      say(`${where}: ${what}; expected ${expected}, found ${found}`)
    say(`ledger: ${postings} postings, ${accounts} accounts, up to event ${upTo}: ${differences.length} differences`)
    const rebuilt = await host.replay('accounting', { swap: false })
    for (const { table, what, row } of rebuilt.differences) say(`${table}: ${what} ${row}`)
    say(
      `against the event log: ${rebuilt.rows} rows up to event ${rebuilt.upTo}: ${rebuilt.differences.length} differences`,
    )
    if (differences.length + rebuilt.differences.length > 0) failed()
  })

const replay: Command = (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { swap: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [service] = positionals
  if (!service) throw new UsageError('replay needs a service, for example: replay accounting')
  return withApplication(async ({ host }) => {
    const { upTo, rows, differences, swapped } = await host.replay(service, { swap: values.swap })
    for (const { table, what, row } of differences) say(`${table}: ${what} ${row}`)
    say(
      `replayed ${service} up to event ${upTo}: ${rows} rows compared, ${differences.length} differences${swapped ? ', swapped' : ''}`,
    )
    if (differences.length > 0 && !swapped) failed()
  })
}

const events: Command = (args) =>
  withApplication(async ({ host }) => {
    if (!(await runEvents(args, host, say))) failed()
  })

const usage = `npm run ates -- <command>
  ledger verify                                recompute the ledger and compare it with the event log; exit 1 on any difference
  replay <service> [--swap]                    rebuild derived tables from the events beside the live ones, compare, swap on demand
${eventsUsage}
  migrate                                      bring the schemas up to date
  new-key                                      a key for ATES_TOKEN_KEY`

const commands: Readonly<Record<string, Command>> = {
  'ledger verify': verify,
  replay,
  events,
  migrate: () => withApplication(() => Promise.resolve(say('the schemas are up to date')), { migrate: true }),
  'new-key': async () => say(JSON.stringify(await newTokenKey())),
}

const main = async ([first = '', second = '', ...rest]: readonly string[]): Promise<void> => {
  const two = commands[`${first} ${second}`]
  const one = commands[first]
  if (two) return two(rest)
  if (one) return one(second === '' ? rest : [second, ...rest])
  throw new UsageError(usage)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const known = [UsageError, ConfigError, EmbeddedError, SchemaError].some((kind) => error instanceof kind)
  process.stderr.write(
    `${known && error instanceof Error ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exitCode = 1
}
