// Events that were set aside: all that failed alike, one with its body and headers, and what may be done with them.
import type { z } from 'zod'
import { operations } from '../../operations/contract.ts'
import { admins, staff } from '../../vocabulary.ts'
import { check, type Form } from '../forms.ts'
import { CommandForm, FormError } from '../look/fields.tsx'
import { Empty, PageLinks, When } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get, post } from '../route.ts'
import type { Member } from '../visit.tsx'
import { toAct } from './operations-acts.tsx'
import { Decisions, OneDecision, type Sent } from './operations-decisions.tsx'
import { EventFacts } from './operations-event.tsx'
import { groupPath } from './operations-parts.tsx'

type Events = z.output<typeof operations.listParked.output>
type ParkedEvent = z.output<typeof operations.getParkedEvent.output>
type State = ParkedEvent['state']

export const operationsParkedPage = [
  get('/operations/parked', staff, (visit) => groupView(visit, {})),

  get('/operations/parked/:service/:consumer/:number', staff, async (visit) => {
    const event = await visit.need(operations.getParkedEvent, placeIn(visit))
    return visit.page(visit.texts.operations.parked.eventTitle(event.number), <EventView visit={visit} event={event} />)
  }),

  post('/operations/parked', admins, async (visit, form) => {
    const { parked: words } = visit.texts.operations
    const selection = selectionIn(form)
    if (selection.numbers?.length === 0) return groupView(visit, { form, error: words.chooseRule })
    if ('wrong' in check(operations.retryEvents.input, selection)) throw new Problem('badRequest')
    const back = groupPath({ ...selection, fingerprint: form.text('fingerprint') }, form.text('state'))
    const act = form.text('do')
    if (act.startsWith('discard')) {
      const checked = check(operations.discardEvents.input, { ...selection, reason: form.text('reason') })
      if ('wrong' in checked) return groupView(visit, { form, reasonError: words.reasonRule })
      const outcome = await visit.call(operations.discardEvents, checked.value, { key: form.key })
      return toAct(visit, back, operations.discardEvents, outcome)
    }
    const method = act.startsWith('restore') ? operations.restoreEvents : operations.retryEvents
    return toAct(visit, back, method, await visit.call(method, selection, { key: form.key }))
  }),
]

const placeIn = (visit: Member) => {
  const number = Number(/^[1-9]\d{0,14}$/.exec(visit.param('number'))?.[0] ?? Number.NaN)
  const checked = check(operations.getParkedEvent.input, {
    service: visit.param('service'),
    consumer: visit.param('consumer'),
    number,
  })
  if ('wrong' in checked) throw new Problem('notFound')
  return checked.value
}

interface Selected {
  readonly service: string
  readonly consumer: string
  readonly numbers: number[] | undefined
  readonly fingerprint: string | undefined
}

/** All of the kind, or the chosen ones, each of which is a field of its own. */
const selectionIn = (form: Form): Selected => {
  const numbers = [...form.fields.keys()].flatMap((name) => /^event-([1-9]\d{0,14})$/.exec(name)?.[1] ?? []).map(Number)
  const isWhole = form.text('do').endsWith('-all')
  return {
    service: form.text('service'),
    consumer: form.text('consumer'),
    numbers: isWhole ? undefined : numbers,
    fingerprint: isWhole ? form.text('fingerprint') : undefined,
  }
}

const groupView = async (visit: Member, sent: Sent): Promise<Response> => {
  const from = (name: string) => sent.form?.text(name) || visit.query.get(name) || undefined
  const { parked: words } = visit.texts.operations
  const checked = check(operations.listParked.input, {
    service: from('service'),
    consumer: from('consumer'),
    fingerprint: from('fingerprint'),
    state: from('state') ?? 'parked',
    after: visit.query.get('after') || undefined,
  })
  if ('wrong' in checked) throw new Problem('notFound')
  const events = await visit.need(operations.listParked, checked.value)
  return visit.page(words.groupTitle, <GroupView visit={visit} asked={checked.value} events={events} sent={sent} />, {
    status: sent.form ? 422 : 200,
  })
}

interface Asked {
  readonly service: string
  readonly consumer: string
  readonly fingerprint?: string | undefined
  readonly state: State
}

interface GroupProps {
  readonly visit: Member
  readonly asked: Asked
  readonly events: Events
  readonly sent: Sent
}

const GroupView = ({ visit, asked, events: { parked, next }, sent }: GroupProps) => {
  const { parked: words } = visit.texts.operations
  const [first] = parked
  const mayAct = admins.includes(visit.person.role) && asked.state !== 'applied'
  return (
    <>
      <p class="lead">
        {asked.consumer} <span class="muted">{asked.service}</span>
      </p>
      {first && (
        <pre class="json" lang="en" tabindex={0} aria-label={words.error}>
          {first.error}
        </pre>
      )}
      <StateLinks visit={visit} asked={asked} />
      {sent.error && <FormError>{sent.error}</FormError>}
      {parked.length === 0 && <Empty title={words.emptyGroup} />}
      {parked.length > 0 && !mayAct && <EventTable visit={visit} events={parked} />}
      {parked.length > 0 && mayAct && (
        <CommandForm action="/operations/parked" idempotencyKey={sent.form?.key}>
          {Object.entries(asked).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <EventTable visit={visit} events={parked} chosen={sent.form ?? null} />
          <Decisions visit={visit} state={asked.state} hasKind={asked.fingerprint !== undefined} sent={sent} />
        </CommandForm>
      )}
      <PageLinks visit={visit} next={next} nextText={words.next} firstText={visit.texts.pages.start} />
      <p class="aside">
        <a href="/operations">{visit.texts.operations.back}</a>
      </p>
    </>
  )
}

const StateLinks = ({ visit, asked }: { visit: Member; asked: Asked }) => {
  const { parked: words } = visit.texts.operations
  const states: readonly State[] = ['parked', 'discarded', 'applied']
  return (
    <nav class="tabs" aria-label={words.show}>
      {states.map((state) => (
        <a
          href={groupPath({ ...asked, fingerprint: asked.fingerprint ?? '' }, state)}
          aria-current={state === asked.state ? 'page' : undefined}
        >
          {words.states[state]}
        </a>
      ))}
    </nav>
  )
}

interface EventTableProps {
  readonly visit: Member
  readonly events: Events['parked']
  /** With boxes to choose by, those of the form ticked; none where nothing may be done. */
  readonly chosen?: Form | null
}

const EventTable = ({ visit, events, chosen }: EventTableProps) => {
  const { parked: words } = visit.texts.operations
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.event}</th>
          <th scope="col">{words.aboutWhat}</th>
          <th scope="col" class="count col-money">
            {words.attempts}
          </th>
          <th scope="col" class="last col-time">
            {words.parkedAt}
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr>
            <th scope="row">
              {chosen !== undefined && (
                <input
                  type="checkbox"
                  class="choose"
                  name={`event-${event.number}`}
                  checked={chosen?.fields.has(`event-${event.number}`) ?? false}
                  aria-label={words.choose(event.number)}
                />
              )}{' '}
              <a href={`/operations/parked/${event.service}/${event.consumer}/${event.number}`}>
                {event.stream} #{event.number}
              </a>{' '}
              <span class="muted">{event.type}</span>
            </th>
            <td data-label={words.aboutWhat}>{event.about}</td>
            <td class="count" data-label={words.attempts}>
              {visit.formats.number(event.attempts)}
            </td>
            <td class="last" data-label={words.parkedAt}>
              <When visit={visit} at={event.parkedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const EventView = ({ visit, event }: { visit: Member; event: ParkedEvent }) => {
  const { service, consumer, fingerprint, state, number } = event
  return (
    <>
      <EventFacts visit={visit} event={event} />
      {admins.includes(visit.person.role) && state !== 'applied' && (
        <CommandForm action="/operations/parked">
          <input type="hidden" name="service" value={service} />
          <input type="hidden" name="consumer" value={consumer} />
          <input type="hidden" name="fingerprint" value={fingerprint} />
          <input type="hidden" name="state" value={state} />
          <input type="hidden" name={`event-${number}`} value="on" />
          <OneDecision visit={visit} state={state} />
        </CommandForm>
      )}
      <p class="aside ways">
        <a href={groupPath(event, state)}>{visit.texts.operations.parked.groupTitle}</a>
        <a href="/operations">{visit.texts.operations.back}</a>
      </p>
    </>
  )
}
