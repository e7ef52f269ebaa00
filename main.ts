// The entry: every service in one process, or the ones named, until a signal ends it.
import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { jsonLog } from './adapters/log.ts'
import { type Application, startApplication } from './application.ts'
import { linesOf } from './complaints.ts'
import { readConfig } from './config.ts'
import { StopError } from './stopping.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Aborted by the first signal. Those of the next second are the same one, which npm passes on to us once more; a later
 * one comes from somebody who will not wait, and ends us at once.
 */
const abortedBySignal = (): AbortSignal => {
  const controller = new AbortController()
  const forget = (): void => signals.forEach((signal) => process.off(signal, stop))
  const stop = (): void => {
    if (controller.signal.aborted) return
    say('Stopping ...')
    controller.abort()
    setTimeout(forget, 1_000).unref()
  }
  for (const signal of signals) process.on(signal, stop)
  return controller.signal
}

const greet = async (application: Application, run: readonly string[]) => {
  const link = await application.firstAdministratorLink()
  say(`aTES is ready at ${application.url}${run.length === 1 ? ` (${run[0]})` : ''}`)
  if (link && run.includes('web')) say(`Make the first administrator, once: ${link}`)
  if (link && !run.includes('web'))
    say(`Make the first administrator, once, at the address of web: ${new URL(link).pathname}${new URL(link).search}`)
  // For the next start, also when this one ends by a kill.
  flushCompileCache()
}

const main = async () => {
  const config = readConfig(process.argv.slice(2), process.env)
  const log = jsonLog(config.logLevel)
  // Heard from the beginning: what has been started by then, the database too, must be stopped in order.
  const stopping = abortedBySignal()
  await using application = await startApplication({ config, log }).catch((error: unknown) => {
    // A Ctrl-C also ends the programs that make a new database, and then the start fails.
    if (stopping.aborted) return null
    throw error
  })
  if (application === null || stopping.aborted) return
  const asked = once(stopping, 'abort').then(() => null)
  const reason = await Promise.race([asked, greet(application, config.run).then(() => application.failed)])
  if (reason === null) return
  say(`aTES stops: ${reason}`)
  process.exitCode = 1
}

// Who reads our output may go away; that is no reason to stop.
process.stdout.on('error', () => undefined)

try {
  await main()
} catch (error) {
  for (const line of linesOf(error, 'start')) process.stderr.write(`${line}\n`)
  process.exitCode = 1
  // What did not end in time must not keep the process.
  if (error instanceof StopError) process.exit()
}
