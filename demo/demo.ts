// `npm run demo`: a company at work in a data directory of its own, and a sign-in page that lets anybody in as any role.
import { setTimeout as pause } from 'node:timers/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EmbeddedError } from '../adapters/database/embedded.ts'
import { ConfigError, readConfig } from '../config.ts'
import { StopError } from '../stopping.ts'
import { openDemo } from './open.ts'
import { doSomething, type Stage } from './work.ts'

const usage = `npm run demo -- [--pace N] [--size N] [--days N] [--seed N] [--faults]
  --pace    things that people do in a minute, 60 unless told, at most 6000
  --size    people of the company, 30 unless told, 6 to 1000
  --days    days that have passed already when the company is made, 14 unless told, at most 60
  --seed    what happens by chance; the same seed makes the same company
  --faults  loses events and says false ones now and then, for the operations page`

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

class UsageError extends Error {}

const numberOf = (text: string, name: string, least: number, most: number): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}\n${usage}`)
  return number
}

const wanted = () => {
  try {
    const { values } = parseArgs({
      options: {
        pace: { type: 'string', default: '60' },
        size: { type: 'string', default: '30' },
        days: { type: 'string', default: '14' },
        seed: { type: 'string', default: '7' },
        faults: { type: 'boolean', default: false },
      },
    })
    return {
      pace: numberOf(values.pace, 'pace', 1, 6_000),
      size: numberOf(values.size, 'size', 6, 1_000),
      days: numberOf(values.days, 'days', 0, 60),
      seed: numberOf(values.seed, 'seed', 0, 2 ** 31 - 1),
      faults: values.faults,
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}

/** Anybody who can reach it may be anybody, so that nobody but this machine can. */
const demoConfig = () => {
  const own = readConfig([], process.env)
  if (!['127.0.0.1', '::1', 'localhost'].includes(own.host))
    throw new UsageError('the demo lets anybody in as anybody: it listens on this machine only, without ATES_HOST')
  if (own.databases) throw new UsageError('the demo has a database of its own: leave out the database URLs')
  return {
    ...own,
    dataDir: join(own.dataDir, 'demo'),
    logLevel: process.env['ATES_LOG_LEVEL'] ? own.logLevel : 'error',
  }
}

const minuteMs = 60_000
/** Something goes wrong or gets well again this often. */
const mishapMs = 15_000

const work = async (stage: Stage, pace: number, next: (() => Promise<void>) | null, ended: AbortSignal) => {
  let mishapAt = performance.now() + mishapMs
  while (!ended.aborted) {
    // What a killed database or a full queue does to one call is no reason to close the company.
    await doSomething(stage).catch((error: unknown) => say(`somebody failed: ${String(error)}`))
    if (next && performance.now() >= mishapAt) {
      mishapAt = performance.now() + mishapMs
      await next().catch((error: unknown) => say(`a mishap failed: ${String(error)}`))
    }
    await pause(minuteMs / pace, undefined, { signal: ended }).catch(() => undefined)
  }
}

const main = async () => {
  const { pace, ...wantedCompany } = wanted()
  const ended = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort())
  await using demo = await openDemo(demoConfig(), wantedCompany, say, ended.signal)
  if (!demo) return
  say(`The company is at work at ${demo.url}: sign in as anybody by one press. Ctrl-C ends it; its data stays.`)
  const { stage, mishaps } = demo
  await work(stage, pace, mishaps ? () => mishaps.next() : null, ended.signal)
  say('Stopping ...')
}

process.stdout.on('error', () => undefined)
try {
  await main()
} catch (error) {
  const known = [UsageError, ConfigError, EmbeddedError, StopError].some((kind) => error instanceof kind)
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`${known ? message : stack}\n`)
  process.exitCode = 1
}
