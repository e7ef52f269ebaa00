// Operations: how the services are, what did not arrive, what could not be applied, and what people did about it.
import type { z } from 'zod'
import { operations } from '../../operations/contract.ts'
import { admins, staff } from '../../vocabulary.ts'
import { CommandForm } from '../look/fields.tsx'
import { liveFrom, Notice, Said } from '../look/parts.tsx'
import { get } from '../route.ts'
import { waitingText } from '../texts/notes.ts'
import type { Member } from '../visit.tsx'
import { ActsTable } from './operations-acts.tsx'
import { AlertsTable } from './operations-findings.tsx'
import { Gaps, Jobs, Parked, Services, Streams } from './operations-parts.tsx'

type Overview = z.output<typeof operations.getOverview.output>
type Alert = z.output<typeof operations.listAlerts.output>['alerts'][number]
type Act = z.output<typeof operations.getAct.output>

export const operationsPage = [
  get('/operations', staff, async (visit) =>
    visit.page(visit.texts.operations.title, <Operations visit={visit} {...await partsOf(visit)} />),
  ),

  /** The whole of it, which asks for itself. */
  get('/operations/overview', staff, async (visit) =>
    visit.fragment(<Operations visit={visit} {...await partsOf(visit)} />),
  ),
]

interface Parts {
  readonly overview: Overview
  readonly alerts: readonly Alert[]
  readonly acts: readonly Act[]
}

const partsOf = async (visit: Member): Promise<Parts> => {
  const [overview, raised, log] = await Promise.all([
    visit.need(operations.getOverview, {}),
    visit.want(operations.listAlerts, { limit: 20 }),
    visit.want(operations.listActs, { limit: 5 }),
  ])
  return { overview, alerts: raised?.alerts ?? [], acts: log?.acts ?? [] }
}

/** Older than this, what was seen is said to be old. */
const silentAfterMs = 15_000

/** How many things somebody should look at. */
const troublesIn = ({ services, consumers, undelivered, parkedGroups, jobs, openDifferences }: Overview): number =>
  services.filter(({ silentSince }) => silentSince !== null).length +
  consumers.filter(({ state }) => state !== 'running').length +
  undelivered.filter(({ healedAt }) => healedAt === null).length +
  parkedGroups.filter(({ count }) => count > 0).length +
  jobs.filter(({ trouble }) => trouble !== null).length +
  openDifferences

const Operations = ({ visit, overview, alerts, acts }: Parts & { visit: Member }) => {
  const { operations: words } = visit.texts
  return (
    <div id="operations" {...liveFrom('/operations/overview', 2)}>
      <Summary visit={visit} overview={overview} alerts={alerts} />
      {alerts.length > 0 && (
        <section aria-labelledby="alerts">
          <h2 id="alerts">{words.alerts.title}</h2>
          <AlertsTable visit={visit} alerts={alerts} />
        </section>
      )}
      <Streams visit={visit} overview={overview} />
      <Gaps visit={visit} undelivered={overview.undelivered} now={overview.now} />
      <Parked visit={visit} groups={overview.parkedGroups} />
      <Reconciliation visit={visit} overview={overview} />
      <Services visit={visit} overview={overview} />
      <Jobs visit={visit} jobs={overview.jobs} />
      <section aria-labelledby="acts">
        <h2 id="acts">{words.acts.latest}</h2>
        <ActsTable visit={visit} acts={acts} />
        <p class="ways after">
          <a href="/operations/acts">{words.acts.toAll}</a>
          <a href="/operations/alerts">{words.alerts.all}</a>
        </p>
      </section>
    </div>
  )
}

const Summary = ({ visit, overview, alerts }: Omit<Parts, 'acts'> & { visit: Member }) => {
  const { operations: words } = visit.texts
  const { seconds } = visit.formats
  if (overview.observedAt === null) return <Notice>{words.notObserved}</Notice>
  const ageMs = Date.parse(overview.now) - Date.parse(overview.observedAt)
  if (ageMs > silentAfterMs) return <Notice>{words.silent(seconds(Math.round(ageMs / 1_000)))}</Notice>
  const troubles = troublesIn(overview) + alerts.length
  return (
    <p class="lead">
      <span class={troubles === 0 ? 'state state-done' : 'state state-trouble'}>
        {troubles === 0 ? words.calm : words.attention(troubles)}
      </span>{' '}
      <span class="muted no-js">
        {words.observed(seconds(Math.max(0, Math.round(ageMs / 1_000))))} <a href="/operations">{words.refresh}</a>
      </span>
    </p>
  )
}

const Reconciliation = ({ visit, overview }: { visit: Member; overview: Overview }) => {
  const { operations: words } = visit.texts
  const { reconciliation } = words
  const { reconciliations, openDifferences, explainedDifferences } = overview
  return (
    <section aria-labelledby="reconciliation">
      <h2 id="reconciliation">{reconciliation.title}</h2>
      <p class="muted">{reconciliation.help}</p>
      {reconciliations.length === 0 ? (
        <p>{reconciliation.none}</p>
      ) : (
        <>
          <p>
            {openDifferences === 0 ? (
              <span class="state state-done">{reconciliation.noDifference}</span>
            ) : (
              <span class="state state-trouble">
                <a href="/operations/differences">{reconciliation.differences(openDifferences)}</a>
              </span>
            )}{' '}
            {explainedDifferences > 0 && (
              <a href="/operations/differences">{reconciliation.explained(explainedDifferences)}</a>
            )}
          </p>
          <ReconciliationTable visit={visit} rows={reconciliations} />
        </>
      )}
      {admins.includes(visit.person.role) && (
        <CommandForm action="/operations/reconcile" class="row-form after">
          <button class="btn btn-sm">{reconciliation.now}</button>
          <span class="muted">{reconciliation.nowHelp}</span>
        </CommandForm>
      )}
    </section>
  )
}

const ReconciliationTable = ({ visit, rows }: { visit: Member; rows: Overview['reconciliations'] }) => {
  const { reconciliation: words } = visit.texts.operations
  const { number, seconds, moment } = visit.formats
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.what}</th>
          <th scope="col">{words.upTo}</th>
          <th scope="col">{words.round}</th>
          <th scope="col">{words.lastRound}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, upTo, round, lastRound, waiting }) => (
          <tr>
            <th scope="row">
              {words.names[name] ?? name}
              {waiting !== null && (
                <Said class="warning below" given={waiting} said={waitingText(visit.texts, waiting)} />
              )}
            </th>
            <td data-label={words.upTo}>{upTo > 0 ? words.at(number(upTo)) : '–'}</td>
            <td data-label={words.round}>{round.startedAt ? words.at(number(round.cursor)) : '–'}</td>
            <td data-label={words.lastRound}>
              {lastRound === null ? (
                words.notYet
              ) : (
                <>
                  {moment(lastRound.finishedAt)}
                  <span class="muted below">
                    {words.compared(lastRound.compared, seconds(Math.max(0.1, lastRound.tookMs / 1_000)))}
                  </span>
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
