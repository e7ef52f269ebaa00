// Operations, put together: it watches the other services and carries out what people decide about them.
import { defineService, type Service } from '../../kernel/service.ts'
import { evaluateAlerts } from './alerts/evaluate.ts'
import { alertLoops, type AlertParts, tellingOf } from './alerts/loops.ts'
import { alertTables } from './alerts/migrations.ts'
import { planAcceptance } from './asks/plan-acceptance.ts'
import { getParkedEvent, listParked } from './asks/parked.ts'
import { planDelivery } from './asks/plan-delivery.ts'
import { planRedelivery } from './asks/plan-redelivery.ts'
import { operations as contract } from './contract.ts'
import { getAct, getOverview, listActs, listDifferences } from './get-overview.ts'
import { getAlarm, listAlerts } from './list-alerts.ts'
import { acting } from './loops/acts.ts'
import { findingForks } from './loops/forks.ts'
import { reconciling } from './loops/reconciliation.ts'
import { type Follow, watcher } from './loops/watcher.ts'
import {
  explainedDifferences,
  migrations,
  names as tableOfNames,
  namesAtTheCommandLine,
  processReports,
} from './migrations.ts'
import { names } from './on-people-events.ts'
import { reportProcess } from './report-process.ts'
import {
  acceptHistory,
  cancelAct,
  discardEvents,
  pauseConsumer,
  reconcile,
  redeliverEvents,
  refetchEvents,
  restoreEvents,
  resumeConsumer,
  retryEvents,
} from './request-act.ts'

export interface OperationsParts {
  /** Names of the services to look at, this one too. */
  readonly watched: readonly string[]
  readonly alerts: AlertParts
}

export const operations = ({ watched, alerts }: OperationsParts): Service =>
  defineService({
    name: 'operations',
    contract,
    handlers: {
      getOverview,
      listParked: { ask: listParked(watched) },
      getParkedEvent: { ask: getParkedEvent(watched) },
      planDelivery: { ask: planDelivery(watched) },
      planRedelivery: { ask: planRedelivery(watched) },
      planAcceptance: { ask: planAcceptance(watched) },
      retryEvents,
      discardEvents,
      restoreEvents,
      refetchEvents,
      redeliverEvents,
      pauseConsumer,
      resumeConsumer,
      acceptHistory,
      reconcile,
      cancelAct,
      getAct,
      listActs,
      listDifferences,
      listAlerts,
      reportProcess,
      getAlarm: getAlarm(alerts.channels.map(({ name }) => name)),
    },
    consumers: [names],
    loops: (context) => {
      const forks = findingForks(context)
      return [
        watcher({ watched, follow: judging(alerts), forks: forks.known }, context),
        forks.loop,
        acting(context),
        reconciling(context),
        ...alertLoops(alerts, context),
      ]
    },
    migrations: {
      ...migrations,
      '0002-alerts': alertTables,
      '0003-explained-differences': explainedDifferences,
      '0004-names': tableOfNames,
      '0005-names-at-the-command-line': namesAtTheCommandLine,
      '0006-process-reports': processReports,
    },
  })

/** What was seen is judged in the transaction that keeps it. */
const judging = (alerts: AlertParts): Follow => {
  const telling = tellingOf(alerts)
  return (observation, context) => evaluateAlerts(observation, { ...context, telling })
}
