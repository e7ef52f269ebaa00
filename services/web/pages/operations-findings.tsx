// What was found: alerts with their history, and differences of reconciliation.
import type { z } from 'zod'
import { operations } from '../../operations/contract.ts'
import { staff } from '../../vocabulary.ts'
import { Empty, PageLinks, Said, When } from '../look/parts.tsx'
import { get } from '../route.ts'
import { alertText } from '../texts/alerts.ts'
import { differenceText } from '../texts/differences.ts'
import type { Member } from '../visit.tsx'

type Alerts = z.output<typeof operations.listAlerts.output>
type Alert = Alerts['alerts'][number]
type Differences = z.output<typeof operations.listDifferences.output>

export const operationsFindingsPage = [
  get('/operations/alerts', staff, async (visit) => {
    const { alerts: words } = visit.texts.operations
    const alerts = await visit.need(operations.listAlerts, { state: 'all', after: afterIn(visit) })
    return visit.page(words.history, <AllAlerts visit={visit} {...alerts} />)
  }),

  get('/operations/differences', staff, async (visit) => {
    const state = visit.query.get('state') === 'all' ? 'all' : 'open'
    const found = await visit.need(operations.listDifferences, { state, after: afterIn(visit) })
    return visit.page(
      visit.texts.operations.differences.title,
      <AllDifferences visit={visit} state={state} {...found} />,
    )
  }),
]

const afterIn = ({ query }: Member): string | undefined => query.get('after') || undefined

const Back = ({ visit }: { visit: Member }) => (
  <p class="aside">
    <a href="/operations">{visit.texts.operations.back}</a>
  </p>
)

const AllAlerts = ({ visit, alerts, next }: Alerts & { visit: Member }) => {
  const { alerts: words } = visit.texts.operations
  return (
    <>
      {alerts.length === 0 ? <Empty title={words.noneEver} /> : <AlertsTable visit={visit} alerts={alerts} />}
      <PageLinks visit={visit} next={next} />
      <Back visit={visit} />
    </>
  )
}

export const AlertsTable = ({ visit, alerts }: { visit: Member; alerts: readonly Alert[] }) => {
  const { alerts: words } = visit.texts.operations
  const span = (ms: number) => visit.formats.seconds(Math.round(ms / 1_000))
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.what}</th>
          <th scope="col">{words.about}</th>
          <th scope="col" class="col-time">
            {words.since}
          </th>
          <th scope="col" class="col-name">
            {words.state}
          </th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => (
          <tr>
            <th scope="row">
              <a href={`/operations/runbooks/${alert.name}`}>{words.names[alert.name] ?? alert.name}</a>
              <Said class="muted below" given={alert.text} said={alertText(visit.texts, alert, span)} />
            </th>
            <td data-label={words.about}>
              <Said given={alert.about} said={words.subject(alert)} />
            </td>
            <td data-label={words.since}>
              <When visit={visit} at={alert.since} />
            </td>
            <td data-label={words.state}>
              {alert.clearedAt === null ? (
                <span class="state state-trouble">{words.raised}</span>
              ) : (
                <span class="state state-done">{words.cleared(visit.formats.moment(alert.clearedAt))}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const AllDifferences = ({
  visit,
  state,
  differences,
  next,
}: Differences & { visit: Member; state: 'open' | 'all' }) => {
  const { differences: words } = visit.texts.operations
  return (
    <>
      {differences.length === 0 ? (
        <Empty title={words.none}>
          <p>{words.noneHelp}</p>
        </Empty>
      ) : (
        <DifferencesTable visit={visit} differences={differences} />
      )}
      <PageLinks visit={visit} next={next} nextText={words.next} />
      <p class="aside ways">
        <a href={`/operations/differences${state === 'all' ? '' : '?state=all'}`}>
          {state === 'all' ? words.open : words.all}
        </a>
        <a href="/operations">{visit.texts.operations.back}</a>
      </p>
    </>
  )
}

const DifferencesTable = ({ visit, differences }: { visit: Member; differences: Differences['differences'] }) => {
  const { differences: words, reconciliation } = visit.texts.operations
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.about}</th>
          <th scope="col">{words.expected}</th>
          <th scope="col">{words.found}</th>
          <th scope="col" class="col-name">
            {words.since}
          </th>
        </tr>
      </thead>
      <tbody>
        {differences.map((difference) => (
          <tr>
            <th scope="row">
              <strong>
                <Said
                  given={difference.about}
                  said={differenceText(visit.texts, difference.about, visit.formats.day)}
                />
              </strong>
              <span class="below">
                {words.kinds[difference.what]}
                <span class="muted"> · {reconciliation.names[difference.name] ?? difference.name}</span>
              </span>
            </th>
            <td data-label={words.expected}>
              <code>{difference.expected ?? '–'}</code>
            </td>
            <td data-label={words.found}>
              <code>{difference.found ?? '–'}</code>
            </td>
            <td data-label={words.since}>
              <When visit={visit} at={difference.since} />
              <DifferenceState visit={visit} difference={difference} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const DifferenceState = ({ visit, difference }: { visit: Member; difference: Differences['differences'][number] }) => {
  const { differences: words } = visit.texts.operations
  const { goneAt, explained } = difference
  if (goneAt !== null) return <span class="state below state-done">{words.gone(visit.formats.moment(goneAt))}</span>
  if (explained === null) return <span class="state below state-trouble">{words.stillThere}</span>
  return (
    <>
      <span class="state below state-done">{words.explained}</span>
      <span class="muted below" lang="">
        {explained}
      </span>
    </>
  )
}
