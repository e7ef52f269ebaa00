// The tables of the operations page: streams with their readers, gaps, what was set aside, services, jobs.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import { Empty, Said, When } from '../look/parts.tsx'
import { stopText, undeliveredText } from '../texts/notes.ts'
import type { Member } from '../visit.tsx'

type Overview = z.output<typeof operations.getOverview.output>
type Consumer = Overview['consumers'][number]
type Service = Overview['services'][number]
type Stream = NonNullable<Service['stream']>

interface Props {
  readonly visit: Member
  readonly overview: Overview
}

const span = ({ formats }: Member, ms: number): string => formats.seconds(Math.max(1, Math.round(ms / 1_000)))

export const consumerPath = ({ service, consumer }: { service: string; consumer: string }): string =>
  `/operations/consumers/${service}/${consumer}`

export const redeliveryPath = (stream: string): string => `/operations/streams/${stream}`

export const Streams = ({ visit, overview: { services, consumers } }: Props) => {
  const { streams: words } = visit.texts.operations
  const isRead = (stream: Stream) => stream.head > 0 || consumers.some((one) => one.stream === stream.stream)
  const streams = services.flatMap(({ stream }) => stream ?? []).filter(isRead)
  return (
    <section aria-labelledby="streams">
      <h2 id="streams">{words.title}</h2>
      <p class="muted">{words.help}</p>
      {streams.length === 0 ? (
        <Empty title={words.none} />
      ) : (
        <table class="rows even streams">
          <thead>
            <tr>
              <th scope="col">{words.reader}</th>
              <th scope="col" class="count col-money">
                {words.position}
              </th>
              <th scope="col" class="col-name">
                {words.behind}
              </th>
              <th scope="col" class="col-state">
                {words.state}
              </th>
              <th scope="col" class="count col-money">
                {words.parked}
              </th>
            </tr>
          </thead>
          {streams.map((stream) => (
            <tbody>
              <StreamRow visit={visit} stream={stream} />
              {consumers
                .filter((consumer) => consumer.stream === stream.stream)
                .map((consumer) => (
                  <ConsumerRow visit={visit} consumer={consumer} />
                ))}
            </tbody>
          ))}
        </table>
      )}
    </section>
  )
}

/** A second is the pace of the relay's poll; what waits longer is said. */
const patienceMs = 2_000

const StreamRow = ({ visit, stream }: { visit: Member; stream: Stream }) => {
  const { streams: words } = visit.texts.operations
  const { number } = visit.formats
  const isWaiting = stream.unnumbered > 0 && stream.oldestUnnumberedMs > patienceMs
  const isUnsaid = stream.published < stream.head && stream.oldestUnpublishedMs > patienceMs
  return (
    <tr class="group">
      <th scope="row">
        <a href={redeliveryPath(stream.stream)}>
          <strong>{stream.stream}</strong>
        </a>
      </th>
      <td class="count" data-label={words.head}>
        #{number(stream.head)}
      </td>
      <td colspan={3}>
        {isWaiting && (
          <span class="warning">{words.unnumbered(stream.unnumbered, span(visit, stream.oldestUnnumberedMs))}</span>
        )}
        {isUnsaid && <span class="warning below">{words.unpublished(number(stream.published))}</span>}
      </td>
    </tr>
  )
}

/** Why it does not run: a fork is told by a program; why it was paused, somebody wrote in whatever language, but for one reason. */
export const StopReason = ({ visit, consumer: { state, reason } }: { visit: Member; consumer: Consumer }) => {
  if (reason === null) return null
  const said = stopText(visit.texts, reason)
  if (state === 'forked' || said !== reason) return <Said class="muted below" given={reason} said={said} />
  return (
    <span class="muted below" lang="">
      {reason}
    </span>
  )
}

const ConsumerRow = ({ visit, consumer }: { visit: Member; consumer: Consumer }) => {
  const { streams: words } = visit.texts.operations
  const { number } = visit.formats
  const { behind, behindMs, state, parked } = consumer
  return (
    <tr>
      <th scope="row" class="inner">
        <a href={consumerPath(consumer)}>{consumer.consumer}</a> <span class="muted">{consumer.service}</span>
      </th>
      <td class="count" data-label={words.position}>
        #{number(consumer.number)}
      </td>
      <td data-label={words.behind}>
        {behind === 0 ? (
          <span class="muted">{words.even}</span>
        ) : (
          <span class={behindMs > patienceMs ? 'warning' : ''}>
            {behindMs > 0 ? words.for(number(behind), span(visit, behindMs)) : number(behind)}
          </span>
        )}
      </td>
      <td data-label={words.state}>
        <span class={`state state-${state === 'running' ? 'done' : 'trouble'}`}>{words.states[state]}</span>
        <StopReason visit={visit} consumer={consumer} />
      </td>
      <td class="count" data-label={words.parked}>
        {parked === 0 ? <span class="muted">0</span> : <strong class="warning">{number(parked)}</strong>}
      </td>
    </tr>
  )
}

interface GapsProps {
  readonly visit: Member
  readonly undelivered: Overview['undelivered']
  readonly now: string
}

export const Gaps = ({ visit, undelivered, now }: GapsProps) => {
  const { gaps: words } = visit.texts.operations
  const { number, moment } = visit.formats
  return (
    <section aria-labelledby="gaps">
      <h2 id="gaps">{words.title}</h2>
      {undelivered.length === 0 ? (
        <p class="muted">{words.none}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{words.which}</th>
              <th scope="col">{words.reader}</th>
              <th scope="col" class="col-time">
                {words.since}
              </th>
              <th scope="col">{words.why}</th>
              <th scope="col" class="col-name">
                {words.state}
              </th>
            </tr>
          </thead>
          <tbody>
            {undelivered.map((gap) => (
              <tr>
                <th scope="row">
                  {gap.stream} {words.range(number(gap.after + 1), number(gap.head))}
                </th>
                <td data-label={words.reader}>
                  <a href={consumerPath(gap)}>{gap.consumer}</a> <span class="muted">{gap.service}</span>
                </td>
                <td data-label={words.since}>
                  <When visit={visit} at={gap.since} />
                </td>
                <td data-label={words.why}>
                  <Said given={gap.reason} said={undeliveredText(visit.texts, gap.reason, visit.formats.seconds)} />
                </td>
                <td data-label={words.state}>
                  {gap.healedAt === null ? (
                    <span class="state state-trouble">
                      {words.open}, {span(visit, Date.parse(now) - Date.parse(gap.since))}
                    </span>
                  ) : (
                    <span class="state state-done">{words.healed(moment(gap.healedAt))}</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

export const groupPath = (
  group: { service: string; consumer: string; fingerprint: string },
  state = 'parked',
): string =>
  `/operations/parked?${new URLSearchParams({ service: group.service, consumer: group.consumer, fingerprint: group.fingerprint, state })}`

export const Parked = ({ visit, groups }: { visit: Member; groups: Overview['parkedGroups'] }) => {
  const { parked: words } = visit.texts.operations
  const { number } = visit.formats
  return (
    <section aria-labelledby="parked">
      <h2 id="parked">{words.title}</h2>
      <p class="muted">{words.help}</p>
      {groups.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{words.error}</th>
              <th scope="col">{words.type}</th>
              <th scope="col">{words.reader}</th>
              <th scope="col" class="count col-money">
                {words.count}
              </th>
              <th scope="col" class="last col-time">
                {words.when}
              </th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr>
                <th scope="row" class="error-text">
                  <a href={groupPath(group, group.count > 0 ? 'parked' : 'discarded')} lang="en">
                    {group.error.slice(0, 200)}
                  </a>
                </th>
                <td data-label={words.type}>{group.type}</td>
                <td data-label={words.reader}>
                  <a href={consumerPath(group)}>{group.consumer}</a> <span class="muted">{group.service}</span>
                </td>
                <td class="count" data-label={words.count}>
                  <strong class={group.count > 0 ? 'warning' : 'muted'}>{number(group.count)}</strong>
                  {group.discarded > 0 && <span class="muted below">{words.discarded(group.discarded)}</span>}
                </td>
                <td class="last" data-label={words.when}>
                  <When visit={visit} at={group.lastParkedAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

export { Jobs, Services } from './operations-services.tsx'
