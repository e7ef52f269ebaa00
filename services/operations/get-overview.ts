// GetOverview and the lists: what was seen last, the operator log, and what reconciliation found.
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok, refuse } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { countRaised } from './alerts/store.ts'
import type { operations } from './contract.ts'
import { countOpenActs, findAct, listActs as selectActs } from './store/acts.ts'
import { countOpenDifferences, listDifferences as selectDifferences, listReconciliations } from './store/differences.ts'
import { healedUndelivered, lastWatch, openUndelivered } from './store/watch.ts'
import {
  actOnWire,
  consumersOnWire,
  differenceOnWire,
  groupsOnWire,
  jobsOnWire,
  reconciliationOnWire,
  servicesOnWire,
  undeliveredOnWire,
} from './wire.ts'

/** As many healed ones are shown. */
const mostHealed = 20
const beyondIds = 2 ** 31

export const getOverview: Handler<typeof operations.getOverview> = async (_input, { tx, now }) => {
  const watch = await lastWatch(tx)
  const undelivered = [...(await openUndelivered(tx)), ...(await healedUndelivered(tx, mostHealed))]
  const { open, explained } = await countOpenDifferences(tx)
  return ok({
    now: now.toISOString(),
    observedAt: watch?.at.toISOString() ?? null,
    services: watch ? servicesOnWire(watch) : [],
    consumers: watch ? consumersOnWire(watch) : [],
    undelivered: undelivered.map(undeliveredOnWire),
    parkedGroups: watch ? groupsOnWire(watch) : [],
    jobs: watch ? jobsOnWire(watch) : [],
    reconciliations: (await listReconciliations(tx)).map(reconciliationOnWire),
    openDifferences: open,
    explainedDifferences: explained,
    openAlerts: await countRaised(tx),
    openActs: await countOpenActs(tx),
  })
}

export const getAct: Handler<typeof operations.getAct> = async ({ id }, { tx }) => {
  const act = await findAct(tx, id)
  return act ? ok(actOnWire(act)) : refuse('act_not_found')
}

export const listActs: Handler<typeof operations.listActs> = async ({ after, limit }, { tx }) => {
  const { page, next } = pageOf(
    await selectActs(tx, numberInMark(after, 0, beyondIds, beyondIds), limit + 1),
    limit,
    ({ id }) => pageMarkOf(id),
  )
  return ok({ acts: page.map(actOnWire), next })
}

export const listDifferences: Handler<typeof operations.listDifferences> = async ({ state, after, limit }, { tx }) => {
  const before = numberInMark(after, 0, beyondIds, beyondIds)
  const rows = await selectDifferences(tx, state === 'open', before, limit + 1)
  const { page, next } = pageOf(rows, limit, ({ id }) => pageMarkOf(id))
  return ok({ differences: page.map(differenceOnWire), next })
}
