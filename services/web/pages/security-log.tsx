// What happened to accounts and sessions, for administrators: who signed in from where, who failed, who changed whom.
import type { z } from 'zod'
import { identity } from '../../identity/contract.ts'
import { admins } from '../../vocabulary.ts'
import { idFrom } from '../forms.ts'
import { Empty, PageLinks, When } from '../look/parts.tsx'
import { get } from '../route.ts'
import type { Member } from '../visit.tsx'

type Log = z.output<typeof identity.getSecurityEvents.output>
type Event = Log['events'][number]

export const securityLogPage = [
  get('/people/security', admins, async (visit) => {
    const popugId = idFrom(visit.query.get('popugId') ?? '') ?? undefined
    const after = visit.query.get('after') || undefined
    const log = await visit.need(identity.getSecurityEvents, { popugId, after })
    return visit.page(
      visit.texts.securityLog.title,
      <>
        <p class="lead">{visit.texts.securityLog.lead}</p>
        {log.events.length === 0 ? (
          <Empty title={visit.texts.securityLog.empty} />
        ) : (
          <Events visit={visit} events={log.events} />
        )}
        <PageLinks visit={visit} next={log.next} />
        <p class="aside ways">
          {popugId !== undefined && <a href="/people/security">{visit.texts.securityLog.all}</a>}
          <a href="/people">{visit.texts.people.title}</a>
        </p>
      </>,
    )
  }),
]

const Events = ({ visit, events }: { visit: Member; events: readonly Event[] }) => {
  const { securityLog: words } = visit.texts
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.what}</th>
          <th scope="col">{words.whom}</th>
          <th scope="col" class="col-name">
            {words.from}
          </th>
          <th scope="col" class="last col-time">
            {words.when}
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <EventRow visit={visit} event={event} />
        ))}
      </tbody>
    </table>
  )
}

const alarming: readonly Event['kind'][] = ['sign_in_failed', 'sign_in_throttled']

const EventRow = ({ visit, event }: { visit: Member; event: Event }) => {
  const { securityLog: words, reassign } = visit.texts
  const { kind, popugId, email, actor, actorName, address, userAgent, at } = event
  return (
    <tr>
      <th scope="row">
        <span class={alarming.includes(kind) ? 'warning' : undefined}>{words.kinds[kind]}</span>
        {actor !== null && (
          <span class="muted below">
            {words.by(actor === visit.person.popugId ? reassign.you : (actorName ?? reassign.person(actor)))}
          </span>
        )}
      </th>
      <td data-label={words.whom}>
        {popugId === null ? email : <a href={`/people/security?popugId=${popugId}`}>{email}</a>}
      </td>
      <td data-label={words.from}>
        {address || '–'}
        {userAgent !== '' && <span class="muted below">{userAgent.slice(0, 80)}</span>}
      </td>
      <td class="last" data-label={words.when}>
        <When visit={visit} at={at} />
      </td>
    </tr>
  )
}
