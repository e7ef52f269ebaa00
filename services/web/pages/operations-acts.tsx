// The operator log: every act with who, why, how far and what came of it; the running ones followed live.
import type { ComponentChildren } from 'preact'
import type { z } from 'zod'
import type { Method } from '../../../kernel/contract.ts'
import { isRefusal, type Outcome } from '../../../kernel/result.ts'
import { operations } from '../../operations/contract.ts'
import { admins, staff } from '../../vocabulary.ts'
import { idFrom } from '../forms.ts'
import { CommandForm } from '../look/fields.tsx'
import { Empty, liveFrom, PageLinks, Said, When } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get, post } from '../route.ts'
import { noteText, resultText } from '../texts/notes.ts'
import { turnDown, type Member } from '../visit.tsx'

type Act = z.output<typeof operations.getAct.output>

export const operationsActsPage = [
  get('/operations/acts', staff, async (visit) => {
    const { acts: words } = visit.texts.operations
    const { acts, next } = await visit.need(operations.listActs, { after: visit.query.get('after') || undefined })
    return visit.page(
      words.title,
      <>
        <ActsTable visit={visit} acts={acts} />
        <PageLinks visit={visit} next={next} nextText={words.next} />
        <Back visit={visit} />
      </>,
    )
  }),

  get('/operations/acts/:id', staff, async (visit) => {
    const act = await actIn(visit)
    return visit.page(visit.texts.operations.acts.actTitle(act.id), <ActView visit={visit} act={act} />)
  }),

  get('/operations/acts/:id/progress', staff, async (visit) =>
    visit.fragment(<ActProgress visit={visit} act={await actIn(visit)} />),
  ),

  post('/operations/acts/:id/cancel', admins, async (visit, form) => {
    const id = idIn(visit)
    const outcome = await visit.call(operations.cancelAct, { id }, { key: form.key })
    if (isRefusal(outcome)) return turnDown(visit, `/operations/acts/${id}`, operations.cancelAct, outcome)
    return visit.seeOther(`/operations/acts/${id}`, { is: 'actCancelled', id: String(id) })
  }),

  post('/operations/reconcile', admins, async (visit, form) =>
    toAct(visit, '/operations', operations.reconcile, await visit.call(operations.reconcile, {}, { key: form.key })),
  ),
]

/** After an act was asked for: to its own page, or back with what was refused. */
export const toAct = (visit: Member, back: string, method: Method, outcome: Outcome<Act>): Response =>
  isRefusal(outcome)
    ? turnDown(visit, back, method, outcome)
    : visit.seeOther(`/operations/acts/${outcome.ok.id}`, { is: 'actRequested', id: String(outcome.ok.id) })

const idIn = (visit: Member): number => {
  const id = idFrom(visit.param('id'))
  if (id === null) throw new Problem('notFound')
  return id
}

const actIn = (visit: Member): Promise<Act> => visit.need(operations.getAct, { id: idIn(visit) })

const Back = ({ visit }: { visit: Member }) => (
  <p class="aside">
    <a href="/operations">{visit.texts.operations.back}</a>
  </p>
)

const stateClass: Readonly<Record<Act['state'], string>> = {
  queued: 'state-queued',
  running: 'state-running',
  done: 'state-done',
  failed: 'state-trouble',
  cancelled: 'state-cancelled',
}

export const ActsTable = ({ visit, acts }: { visit: Member; acts: readonly Act[] }) => {
  const { acts: words } = visit.texts.operations
  if (acts.length === 0) {
    return (
      <Empty title={words.none}>
        <p>{words.noneHelp}</p>
      </Empty>
    )
  }
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.what}</th>
          <th scope="col" class="col-name">
            {words.by}
          </th>
          <th scope="col" class="col-time">
            {words.when}
          </th>
          <th scope="col" class="col-name">
            {words.state}
          </th>
        </tr>
      </thead>
      <tbody>
        {acts.map((act) => (
          <tr>
            <th scope="row">
              <a href={`/operations/acts/${act.id}`}>
                #{act.id} {words.kinds[act.kind]}
              </a>
              {act.consumer !== null && (
                <span class="muted">
                  {' '}
                  {act.consumer} {act.service}
                </span>
              )}
              {act.reason !== null && <span class="muted below">{act.reason}</span>}
            </th>
            <td data-label={words.by}>
              <Who visit={visit} id={act.requestedBy} name={act.requestedByName} />
            </td>
            <td data-label={words.when}>
              <When visit={visit} at={act.requestedAt} />
            </td>
            <td data-label={words.state}>
              <span class={`state ${stateClass[act.state]}`}>{words.states[act.state]}</span>
              {act.failed > 0 && (
                <span class="warning below">{words.failedSome(visit.formats.number(act.failed))}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Without a name, because it is not known here, by the number. */
export const Who = ({ visit, id, name = null }: { visit: Member; id: number | null; name?: string | null }) => {
  const { operations: words, reassign } = visit.texts
  if (id === null) return <>{name === null ? words.acts.commandLine : words.acts.atCommandLine(name)}</>
  return <>{id === visit.person.popugId ? reassign.you : (name ?? reassign.person(id))}</>
}

const ActView = ({ visit, act }: { visit: Member; act: Act }) => {
  const { acts: words } = visit.texts.operations
  const input = JSON.stringify(act.input, null, 2)
  return (
    <>
      <p class="lead">
        {words.kinds[act.kind]}
        {act.consumer !== null && `: ${act.consumer} ${act.service ?? ''}`}
      </p>
      <ActProgress visit={visit} act={act} />
      <dl class="facts">
        <Fact name={words.by}>
          <Who visit={visit} id={act.requestedBy} name={act.requestedByName} />,{' '}
          <When visit={visit} at={act.requestedAt} />
        </Fact>
        {act.reason !== null && <Fact name={words.reason}>{act.reason}</Fact>}
      </dl>
      {input !== '{}' && (
        <section aria-labelledby="input">
          <h2 id="input">{words.input}</h2>
          <pre class="json" tabindex={0} aria-label={words.input}>
            {input}
          </pre>
        </section>
      )}
      <p class="aside ways">
        <a href="/operations/acts">{words.toAll}</a>
        <a href="/operations">{visit.texts.operations.back}</a>
      </p>
    </>
  )
}

export const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

/** Asks for itself until the act has ended. */
const ActProgress = ({ visit, act }: { visit: Member; act: Act }) => {
  const { acts: words } = visit.texts.operations
  const { number } = visit.formats
  const isOpen = act.finishedAt === null
  const live = isOpen ? liveFrom(`/operations/acts/${act.id}/progress`) : {}
  return (
    <section id="act" class="job" aria-label={words.state} {...live}>
      <p class="job-head">
        <span class={`state ${stateClass[act.state]}`}>{words.states[act.state]}</span>
        {act.finishedAt !== null && <When visit={visit} at={act.finishedAt} />}
      </p>
      {act.state === 'queued' && <p>{words.waiting}</p>}
      {act.total !== null && act.state !== 'queued' && (
        <progress
          class="progress progress-primary"
          max={Math.max(act.total, act.done, 1)}
          value={act.done}
          aria-label={words.state}
        />
      )}
      {act.state !== 'queued' && (
        <p class="job-count">
          {act.total === null
            ? words.progressOpen(number(act.done))
            : words.progress(number(act.done), number(act.total))}
          {act.failed > 0 && <span class="warning">; {words.failedSome(number(act.failed))}</span>}
        </p>
      )}
      {act.note !== null && (
        <p>
          <Said class="warning" given={act.note} said={noteText(visit.texts, act.note)} />
        </p>
      )}
      {act.results.length > 0 && <Results visit={visit} results={act.results} />}
      {isOpen && admins.includes(visit.person.role) && (
        <CommandForm action={`/operations/acts/${act.id}/cancel`}>
          <button class="btn btn-sm">{words.cancel}</button>
        </CommandForm>
      )}
      {isOpen && (
        <p class="no-js">
          <a href={`/operations/acts/${act.id}`}>{visit.texts.operations.refresh}</a>
        </p>
      )}
    </section>
  )
}

const Results = ({ visit, results }: { visit: Member; results: Act['results'] }) => {
  const { acts: words } = visit.texts.operations
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.outcome}</th>
          <th scope="col" class="count col-money">
            {words.count}
          </th>
          <th scope="col">{words.example}</th>
        </tr>
      </thead>
      <tbody>
        {results.map(({ what, count, example }) => (
          <tr>
            <th scope="row">
              <Said given={what.replaceAll('_', ' ')} said={resultText(visit.texts, what)} />
            </th>
            <td class="count" data-label={words.count}>
              {visit.formats.number(count)}
            </td>
            <td data-label={words.example}>
              <code>{example ?? '–'}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
