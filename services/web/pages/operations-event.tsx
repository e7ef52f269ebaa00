// One event that was set aside: why, what it says, and everything that came with it.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import { When } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'
import { Fact, Who } from './operations-acts.tsx'
import { consumerPath } from './operations-parts.tsx'

type ParkedEvent = z.output<typeof operations.getParkedEvent.output>

export const EventFacts = ({ visit, event }: { visit: Member; event: ParkedEvent }) => {
  const { parked: words } = visit.texts.operations
  return (
    <>
      <p class="lead">
        {event.type}{' '}
        <span class={`state ${event.state === 'parked' ? 'state-trouble' : 'state-cancelled'}`}>
          {words.stateOfOne[event.state]}
        </span>
      </p>
      <h2 id="error">{words.error}</h2>
      <pre class="json" lang="en" tabindex={0} aria-labelledby="error">
        {event.error}
      </pre>
      <Decision visit={visit} event={event} />
      <h2 id="body">{words.body}</h2>
      <pre class="json" tabindex={0} aria-labelledby="body">
        {JSON.stringify(event.data, null, 2)}
      </pre>
      <h2>{words.headers}</h2>
      <Headers visit={visit} event={event} />
    </>
  )
}

const Decision = ({ visit, event: { decidedAt, decidedBy, reason } }: { visit: Member; event: ParkedEvent }) => {
  const { parked: words } = visit.texts.operations
  if (decidedAt === null) return null
  return (
    <p>
      {words.decided}: <Who visit={visit} id={decidedBy} />, <When visit={visit} at={decidedAt} />
      {reason !== null && <q class="below">{reason}</q>}
    </p>
  )
}

/** By which a trace is looked up: the second part of a W3C traceparent. */
const traceIdOf = (place: string): string => place.split('-')[1] ?? place

const Headers = ({ visit, event }: { visit: Member; event: ParkedEvent }) => {
  const { parked: words } = visit.texts.operations
  return (
    <dl class="facts headers">
      <Fact name={words.stream}>
        {event.stream} #{event.number}
      </Fact>
      <Fact name={words.aboutWhat}>{event.about}</Fact>
      <Fact name={words.reader}>
        <a href={consumerPath(event)}>{event.consumer}</a> {event.service}
      </Fact>
      <Fact name={words.version}>{event.version}</Fact>
      <Fact name={words.attempts}>{visit.formats.number(event.attempts)}</Fact>
      <Fact name={words.at}>
        <When visit={visit} at={event.at} />
      </Fact>
      <Fact name={words.parkedAt}>
        <When visit={visit} at={event.parkedAt} />
      </Fact>
      {event.actor !== null && (
        <Fact name={words.actor}>
          <Who visit={visit} id={event.actor} />
        </Fact>
      )}
      <Fact name={words.eventId}>
        <code>{event.eventId}</code>
      </Fact>
      <Fact name={words.request}>
        <code>{event.requestId}</code>
      </Fact>
      {event.trace !== null && (
        <Fact name={words.trace}>
          <code>{traceIdOf(event.trace)}</code>
        </Fact>
      )}
    </dl>
  )
}
