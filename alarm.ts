// Alerts on the way out of this process: channels as configured, metrics, and an eye on the watcher, which cannot say
// that it died.
import { mail } from './adapters/alerts/mail.ts'
import { heartbeat, webhook } from './adapters/alerts/webhook.ts'
import type { Config } from './config.ts'
import { serviceRole, type Output } from './kernel/contract.ts'
import type { Host } from './kernel/host.ts'
import { startLoop } from './kernel/loop.ts'
import type { Log } from './kernel/ports.ts'
import { must } from './kernel/result.ts'
import { guardRounds } from './services/operations/alerts/guard.ts'
import type { AlertParts } from './services/operations/alerts/loops.ts'
import { catalog } from './services/operations/alerts/rules/catalog.ts'
import { operations } from './services/operations/contract.ts'

export const alertParts = ({ alerts, publicUrl, host, port }: Config): AlertParts => ({
  channels: [...(alerts.webhook ? [webhook(alerts.webhook)] : []), ...(alerts.mail ? [mail(alerts.mail)] : [])],
  beat: alerts.heartbeatUrl === undefined ? null : heartbeat(alerts.heartbeatUrl),
  url: publicUrl ?? `http://${host}:${port}`,
  repeatMs: alerts.repeatMs,
})

export type Alarm = Output<typeof operations.getAlarm>

const behalf = { actor: { id: null, role: serviceRole }, requestId: 'alarm', timeoutMs: 2_000 }

const ask = async ({ call }: Pick<Host, 'call'>): Promise<Alarm> => must(await call(operations.getAlarm, {}, behalf))

/** For metrics: asked of operations in this process, where it runs; null elsewhere, and when it cannot say. */
export const ownAlarm = (host: Pick<Host, 'call' | 'local'>) => async (): Promise<Alarm | null> =>
  host.local.has(operations.getAlarm.service) ? ask(host).catch(() => null) : null

export interface WatcherGuard {
  /** What is wrong with the watcher, as far as this process sees; null when nothing is. */
  trouble(): string | null
  stop(): Promise<void>
}

const lookMs = 5_000

/**
 * Sees whether rounds of the watcher are finished. Whatever keeps this process from seeing it counts as none: a watcher
 * of which nobody hears is as good as dead.
 */
export const guardWatcher = (host: Pick<Host, 'call'>, log: Log, now = () => performance.now()): WatcherGuard => {
  const silenceOf = guardRounds(now())
  let seen: Date | null = null
  let why: string | null = null
  let said = false
  const trouble = () => {
    const silentMs = silenceOf(seen, now())
    if (silentMs <= catalog.WatcherDead.threshold) return null
    return `no round for ${Math.round(silentMs / 1_000)} s${why === null ? '' : `: ${why}`}`
  }
  const look = async (): Promise<'idle'> => {
    try {
      const { watchedAt } = await ask(host)
      seen = watchedAt === null ? null : new Date(watchedAt)
      why = null
    } catch (error) {
      why = error instanceof Error ? error.message : String(error)
    }
    const wrong = trouble()
    if (wrong !== null && !said) log.error({ trouble: wrong }, 'nobody watches: no alert will be raised')
    if (wrong === null && said) log.info({}, 'the watcher makes its rounds again')
    said = wrong !== null
    return 'idle'
  }
  const loop = startLoop({ name: 'guard of the watcher', pollMs: lookMs, log, pass: look })
  return { trouble, stop: () => loop.stop() }
}
