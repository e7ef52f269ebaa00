// ListAlerts and GetAlarm: what people are told, in the list and wherever it must be seen at once.
import type { Output } from '../../kernel/contract.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { catalog } from './alerts/rules/catalog.ts'
import { sentenceOf } from './alerts/rules/words.ts'
import { type AlertRow, channelStates, findRound, listAlerts as selectAlerts } from './alerts/store.ts'
import type { operations } from './contract.ts'
import { countOpenDifferences, listReconciliations } from './store/differences.ts'
import { lastWatch } from './store/watch.ts'

type Alert = Output<typeof operations.listAlerts>['alerts'][number]

const beyondIds = 2 ** 31

const onWire = (row: AlertRow): Alert => {
  const { id, name, about, since, raisedAt, saidAt, repeats, clearedAt, details } = row
  return {
    id,
    name,
    about,
    severity: catalog[name].severity,
    text: sentenceOf(row),
    details: { ...details },
    since: since.toISOString(),
    raisedAt: (raisedAt ?? since).toISOString(),
    repeatedAt: repeats > 0 && saidAt !== null ? saidAt.toISOString() : null,
    clearedAt: clearedAt?.toISOString() ?? null,
  }
}

export const listAlerts: Handler<typeof operations.listAlerts> = async ({ state, after, limit }, { tx }) => {
  const before = numberInMark(after, 0, beyondIds, beyondIds)
  const rows = await selectAlerts(tx, { open: state === 'open', before, limit: limit + 1 })
  const { page, next } = pageOf(rows, limit, ({ id }) => pageMarkOf(id))
  return ok({ alerts: page.map(onWire), next })
}

/** As many alerts are seen at once; whoever has more of them will not read them all. */
const mostAtOnce = 100

export const getAlarm =
  (channels: readonly string[]): Handler<typeof operations.getAlarm> =>
  async (_input, { tx, now }) => {
    const watch = await lastWatch(tx)
    const round = await findRound(tx)
    const { open, oldest, ledgerUnbalanced } = await countOpenDifferences(tx)
    const stepped = (await listReconciliations(tx)).flatMap(({ steppedAt }) => steppedAt?.getTime() ?? [])
    const since = (ms: number | undefined): number => (ms === undefined ? 0 : Math.max(0, now.getTime() - ms))
    return ok({
      now: now.toISOString(),
      watchedAt: round?.toISOString() ?? null,
      alerts: (await selectAlerts(tx, { open: true, before: beyondIds, limit: mostAtOnce })).map(onWire),
      channels: (await channelStates(tx, channels, now)).map(({ channel, failingMs, waiting }) => ({
        channel,
        failingMs,
        waiting,
      })),
      services: (watch?.observation.services ?? []).map(({ name, silentMs }) => ({ name, silentMs })),
      reconciliation: {
        differences: open,
        oldestDifferenceMs: since(oldest?.getTime()),
        idleMs: since(stepped.length > 0 ? Math.max(...stepped) : undefined),
        ledgerUnbalanced,
      },
    })
  }
