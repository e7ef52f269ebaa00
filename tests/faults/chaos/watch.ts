// Looks all the time how far events are, at the databases themselves, whatever state these are in.
import pg from 'pg'
import { forgedAbout } from '../planting.ts'
import { until } from '../settled.ts'
import type { OwnPostgres } from '../../servers/own-postgres.ts'
import type { Scene } from './scene.ts'

const everyMs = 20

/** One number from a server; the last one while the server does not answer. */
class Gauge implements AsyncDisposable {
  value = 0
  private client: Promise<pg.Client> | undefined
  private readonly server: OwnPostgres
  private readonly text: string

  constructor(server: OwnPostgres, text: string) {
    this.server = server
    this.text = text
  }

  async look(): Promise<number> {
    const connecting = (this.client ??= this.server.connect())
    try {
      const { rows } = await (await connecting).query<{ value: number }>(this.text)
      this.value = rows[0]?.value ?? this.value
    } catch {
      this.client = undefined
      await connecting.then((client) => client.end()).catch(() => {})
    }
    return this.value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client?.then((client) => client.end()).catch(() => {})
  }
}

export class Watch implements AsyncDisposable {
  /** The longest time in which no event was applied although there were some. */
  standstillMs = 0
  private readonly head: Gauge
  private readonly planted: Gauge
  private readonly position: Gauge
  private stopped = false
  private readonly looking: Promise<void>

  constructor({ deployment }: Scene) {
    const { task_tracker: tracker, accounting } = deployment.stage.ground.servers
    this.head = new Gauge(tracker, 'select head::int as value from task_tracker.stream')
    this.planted = new Gauge(
      tracker,
      `select count(*)::int as value from task_tracker.event where about = '${forgedAbout}'`,
    )
    this.position = new Gauge(
      accounting,
      `select number::int as value from accounting.position where consumer = 'ledger'`,
    )
    this.looking = this.look()
  }

  /** Events with a number, but those that faults have put into the log. */
  get committed(): number {
    return this.head.value - this.planted.value
  }

  /** The number of the last one in the ledger. */
  get applied(): number {
    return this.position.value
  }

  private get gauges(): readonly Gauge[] {
    return [this.head, this.planted, this.position]
  }

  private look(): Promise<void> {
    let movedAt = performance.now()
    const step = async () => {
      const before = this.applied
      await Promise.all(this.gauges.map((gauge) => gauge.look()))
      if (this.applied > before || this.applied >= this.head.value) movedAt = performance.now()
      this.standstillMs = Math.max(this.standstillMs, performance.now() - movedAt)
      return this.stopped
    }
    return until(() => 'the end', step, Infinity, everyMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    await this.looking
    await Promise.all(this.gauges.map((gauge) => gauge[Symbol.asyncDispose]()))
  }
}
