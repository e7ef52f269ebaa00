// Opens the demo's company: makes it with its past where it is not there yet, and lets visitors in as anybody.
import { databaseClock } from '../adapters/database/postgres.ts'
import { jsonLog } from '../adapters/log.ts'
import { seededRandom } from '../adapters/seeded-random.ts'
import { type Application, startApplication } from '../application.ts'
import type { Config } from '../config.ts'
import type { Service } from '../kernel/service.ts'
import { type Role, roles } from '../services/vocabulary.ts'
import { type Mishaps, mishaps } from './mishaps.ts'
import { DemoClock, demoPassword, hire, playPast, type Stage, type Worker, workersOf } from './work.ts'

export interface Wanted {
  /** People of the company. */
  readonly size: number
  /** Days that have passed already when it is made. */
  readonly days: number
  readonly seed: number
  /** Whether things go wrong now and then. */
  readonly faults: boolean
}

export interface Demo extends AsyncDisposable {
  readonly url: string
  readonly stage: Stage
  /** Null without faults. */
  readonly mishaps: Mishaps | null
}

const visitorOf = (workers: readonly Worker[]) => (role: Role) =>
  workers
    .filter((one) => one.role === role)
    .slice(0, 1)
    .map(({ name, email }) => ({ role, name, email, password: demoPassword }))

const perDay = 40
const dayMs = 24 * 60 * 60 * 1_000

type Say = (line: string) => void

const hireAll = async (
  { host }: Application,
  link: string,
  clock: DemoClock,
  { size, days }: Wanted,
): Promise<void> => {
  clock.past = new Date(Date.now() - (days + 1) * dayMs)
  await hire(host, link, size)
  clock.past = null
}

/** While the past is played, an hour passes in the blink of an eye, and whoever watched would see everything late. */
const unwatchedWhile =
  (isPast: () => boolean) =>
  (service: Service): Service => ({
    ...service,
    loops: (context) => service.loops({ ...context, turn: { held: () => !isPast() && context.turn.held() } }),
  })

/** Null when `ended` is over before it has started. */
export const openDemo = async (config: Config, wanted: Wanted, say: Say, ended: AbortSignal): Promise<Demo | null> => {
  const random = seededRandom(wanted.seed)
  const clock = new DemoClock(databaseClock)
  const wrong = wanted.faults ? mishaps(random) : null
  let workers: readonly Worker[] = []
  const service = unwatchedWhile(() => clock.past !== null)
  const application = await startApplication({
    config,
    log: jsonLog(config.logLevel),
    decorations: { clock, service, ...(wrong ? { bus: wrong.bus, database: wrong.database } : {}) },
    visitors: () => roles.flatMap(visitorOf(workers)),
  })
  await using ends = new AsyncDisposableStack()
  ends.use(application)
  if (ended.aborted) return null
  const { host, url } = application
  const link = await application.firstAdministratorLink()
  if (link) {
    say(`Hiring ${wanted.size} popugs ...`)
    await hireAll(application, link, clock, wanted)
  }
  const stage: Stage = { host, random, workers: await workersOf(host) }
  if (link) {
    say(`Playing ${wanted.days} days of work ...`)
    const done = await playPast(stage, clock, wanted.days, perDay)
    say(`${done} things were done, and every cent is in the ledger.`)
  }
  ;({ workers } = stage)
  const kept = ends.move()
  return { url: url ?? '', stage, mishaps: wrong, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}
