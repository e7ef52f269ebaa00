// For tests only: a company of four, the application over it, and a browser.
import { createWeb, type WebDeps } from './app.tsx'
import { browserOf } from './browser.test-support.ts'
import type { AnyContract } from '../../kernel/contract.ts'
import { describeContract, publishedBy } from '../../kernel/openapi.ts'
import { Fault } from '../../kernel/result.ts'
import { accounting } from '../accounting/contract.ts'
import { identity } from '../identity/contract.ts'
import { operations } from '../operations/contract.ts'
import type { Role } from '../vocabulary.ts'
import { taskTracker } from '../task-tracker/contract.ts'
import { type Directory, publicMethods } from './gateway.ts'
import { createLive } from './live.ts'
import type { PublicMethods } from './public-method.ts'
import { addPerson, addTask, emptyWorld, fakeCaller, silentLog } from './web.test-support.ts'

/** A directory of these contracts by their services; one more does not answer. */
export const directoryOf = (contracts: Readonly<Record<string, AnyContract>>): Directory => ({
  services: [...Object.keys(contracts), 'resting'],
  published: (name) => {
    const contract = contracts[name]
    return contract
      ? Promise.resolve(publishedBy(name, describeContract(name, contract)))
      : Promise.reject(new Fault('unavailable', 'down in this test'))
  },
})

let known: Promise<PublicMethods> | undefined
/** What the services publish, made when it is first asked for: most tests never do. */
export const ours = (): Promise<PublicMethods> =>
  (known ??= publicMethods(directoryOf({ identity, 'task-tracker': taskTracker, accounting, operations })))

export interface SceneOptions {
  readonly replaced?: Parameters<typeof fakeCaller>[1]
  readonly secure?: boolean
  readonly breakers?: WebDeps['breakers']
  readonly catalogs?: NonNullable<WebDeps['catalogs']>
  readonly visitors?: NonNullable<WebDeps['visitors']>
  readonly names?: Readonly<Record<Role, string>>
  readonly publicMethods?: WebDeps['publicMethods']
}

const usualNames: Readonly<Record<Role, string>> = {
  popug: 'Anna Kakadu',
  accountant: 'Clara Lory',
  manager: 'Mia Macaw',
  admin: 'Adam Amazon',
}

export const company = (options: SceneOptions = {}) => {
  const { replaced = {}, secure = false, breakers = () => ({}), names = usualNames, ...given } = options
  const world = emptyWorld()
  const people = {
    popug: addPerson(world, names.popug, 'popug'),
    accountant: addPerson(world, names.accountant, 'accountant'),
    manager: addPerson(world, names.manager, 'manager'),
    admin: addPerson(world, names.admin, 'admin'),
  }
  const task = addTask(world, 'Water the plants', people.popug, people.manager)
  const logged: { level: string; fields: object; message: string }[] = []
  const keep = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message })
  const log = { ...silentLog, warn: keep('warn'), error: keep('error') }
  const live = createLive()
  const app = createWeb({
    call: fakeCaller(world, replaced),
    log,
    timeZone: 'UTC',
    secure,
    now: () => world.now,
    publicMethods: ours,
    live,
    breakers,
    ...given,
  })
  const browser = browserOf(app, secure ? { origin: 'https://ates.test' } : {})
  const callsOf = (method: string) => world.calls.filter((call) => call.method === method)
  return { world, people, task, app, live, browser, logged, callsOf }
}

/** The value of the first field of a page with this name. */
export const fieldOf = (html: string, name: string): string =>
  new RegExp(`<input[^>]*name="${name}"[^>]*value="([^"]*)"`).exec(html)?.[1] ?? ''

/** The message that an action left for the next page. */
export const messageOf = (html: string): string => /<p class="flash[^>]*>([^<]*)</.exec(html)?.[1] ?? ''

/** An answer for a service that is out of reach. */
export const unavailable = (): never => {
  throw new Fault('unavailable', 'down in this test')
}
