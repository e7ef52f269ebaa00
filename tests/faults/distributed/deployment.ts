// aTES as a company runs it: services in processes of their own, some as several replicas, on PostgreSQL and a broker.
import type pg from 'pg'
import { serviceNames, type ProcessName, type ServiceName } from '../../../config.ts'
import type { Call } from '../../../kernel/ports.ts'
import { Fault, type Outcome } from '../../../kernel/result.ts'
import { type Broker, openBroker } from '../../nats/broker.ts'
import { sharedSettings } from '../../support/application.ts'
import { freePorts } from '../../support/free-ports.ts'
import type { ApplicationProcess } from '../application-process.ts'
import type { FaultPoint } from '../fault-points.ts'
import { type ServiceGround, sharedGround, type SharedGround } from '../grounds.ts'
import { type Release, releaseSetting } from '../releases.ts'
import { Stage } from '../stage.ts'
import { type Links, openLinks } from './links.ts'
import { type Sample, scrape } from '../metrics.ts'

/** How many processes there are of each. */
export type Replicas = Readonly<Partial<Record<ProcessName, number>>>

type Settings = Readonly<Record<string, string>>

const usual: Replicas = { identity: 1, 'task-tracker': 2, accounting: 2 }
const mostCallMs = 10_000

/** One replica of one service, over all its lives. */
export class Part {
  readonly name: ProcessName
  readonly links: Links
  readonly metricsPort: number
  /** The version that it is from its next start on. */
  release: Release
  /** Of this one alone, from its next start on. */
  settings: Settings = {}
  private readonly launch: (part: Part, faults: readonly FaultPoint[]) => Promise<ApplicationProcess>
  private current: ApplicationProcess | undefined

  constructor(name: ProcessName, links: Links, metricsPort: number, release: Release, launch: Part['launch']) {
    this.name = name
    this.links = links
    this.metricsPort = metricsPort
    this.release = release
    this.launch = launch
  }

  /** The process that runs now, or ran last. */
  get process(): ApplicationProcess {
    if (!this.current) throw new Error(`${this.name} was never started`)
    return this.current
  }

  get isAlive(): boolean {
    return this.current?.isAlive ?? false
  }

  /** Resolves when it is ready. */
  async start(...faults: readonly FaultPoint[]): Promise<void> {
    this.current = await this.launch(this, faults)
  }

  metrics(): Promise<readonly Sample[]> {
    return scrape(this.metricsPort)
  }
}

export interface DeploymentOptions {
  readonly replicas?: Replicas
  /** Of people who are invited at the start. */
  readonly roles?: readonly string[]
  /** By default one of its own. */
  readonly broker?: Broker
  /** Of aTES, for every process. */
  readonly settings?: Settings
  /** Further ones, for the processes of one name. */
  readonly only?: Readonly<Partial<Record<ProcessName, Settings>>>
  /** The version that all are at first. */
  readonly release?: Release
}

const usualRoles = ['manager', 'popug', 'popug', 'popug']

export class Deployment<G extends ServiceGround = SharedGround> implements AsyncDisposable {
  readonly stage: Stage<G>
  readonly broker: Broker
  readonly parts: Part[] = []
  private readonly settingsOf: (name: ProcessName) => Settings
  private turn = 0

  private constructor(stage: Stage<G>, broker: Broker, settingsOf: (name: ProcessName) => Settings) {
    this.stage = stage
    this.broker = broker
    this.settingsOf = settingsOf
  }

  /** A stage of this name on a fresh database, a broker and all processes, and people whom everybody knows. */
  static async open(name: string, options: DeploymentOptions = {}): Promise<Deployment> {
    return Deployment.on(await sharedGround(), name, options)
  }

  /** The same on a ground of the test's choice. Whatever is given ends with it. */
  static async on<G extends ServiceGround>(
    ground: G,
    name: string,
    {
      replicas = usual,
      roles = usualRoles,
      broker,
      settings = {},
      only = {},
      release = 'today',
    }: DeploymentOptions = {},
  ): Promise<Deployment<G>> {
    const stage = new Stage(name, ground)
    const all = { ...(await sharedSettings()), ...settings }
    const settingsOf = (part: ProcessName) => ({ ...all, ...only[part] })
    const one = new Deployment(stage, broker ?? (await openBroker()), settingsOf)
    try {
      for (const [part, count] of Object.entries(replicas)) await one.add(part as ProcessName, count, release)
      // Each makes its own schema, which its replicas would wait for.
      await Promise.all(serviceNames.flatMap((service) => one.of(service).slice(0, 1)).map((part) => part.start()))
      await Promise.all(one.parts.filter((part) => !part.isAlive).map((part) => part.start()))
      await stage.invite(one, ...roles)
    } catch (error) {
      await one[Symbol.asyncDispose]()
      throw error
    }
    return one
  }

  private async add(name: ProcessName, count: number, release: Release): Promise<void> {
    const ports = await freePorts(count)
    for (const port of ports) {
      const links = await openLinks(this.database(name), this.broker.port, (service) => this.listening(service))
      this.parts.push(new Part(name, links, port, release, (part, faults) => this.launch(part, faults)))
    }
  }

  /** Web has none. */
  private database(name: ProcessName): pg.ClientConfig {
    return this.stage.ground.connection(schemaOf(name))
  }

  private launch(
    { name, links, metricsPort, release, settings: own }: Part,
    faults: readonly FaultPoint[],
  ): Promise<ApplicationProcess> {
    const { user, database } = this.database(name)
    const urls = serviceNames.filter((service) => service !== name)
    const settings = {
      ...Object.fromEntries(
        urls.map((service) => [setting(service, 'URL'), `http://127.0.0.1:${links.services[service].port}`]),
      ),
      ...(name === 'web'
        ? {}
        : {
            [setting(name, 'DATABASE_URL')]: `postgres://${user}@127.0.0.1:${links.database.port}/${database}`,
          }),
      ATES_DATABASE_CONNECTIONS: '4',
      ATES_NATS_URL: links.broker.url,
      ATES_METRICS_PORT: String(metricsPort),
      [releaseSetting]: release,
      ...this.settingsOf(name),
      ...own,
    }
    return this.stage.launch(settings, [name], faults)
  }

  /** The port of one replica after the other, as a load balancer gives them; null when none runs. */
  private listening(service: ServiceName): number | null {
    const alive = this.of(service).filter(({ isAlive }) => isAlive)
    return alive[(this.turn += 1) % alive.length]?.process.port ?? null
  }

  of(name: ProcessName): Part[] {
    return this.parts.filter((part) => part.name === name)
  }

  /** Asks any replica of the service that is called. */
  call(call: Omit<Call, 'deadlineMs'>, timeoutMs = mostCallMs): Promise<Outcome<unknown>> {
    const alive = this.of(call.service as ServiceName).filter(({ isAlive }) => isAlive)
    if (alive.length === 0) return Promise.reject(new Fault('unavailable', `no ${call.service} runs`))
    return this.stage.clients.pick(alive).process.call(call, timeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { links } of this.parts) await links[Symbol.asyncDispose]()
    await this.stage[Symbol.asyncDispose]()
    await this.broker[Symbol.asyncDispose]()
  }
}

const schemaOf = (service: string): string => service.replaceAll('-', '_')

const setting = (service: string, what: string): string => `ATES_${schemaOf(service).toUpperCase()}_${what}`
