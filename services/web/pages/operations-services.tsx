// Services with their processes, breakers and troubles, and the long work that they do.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import { Said, When } from '../look/parts.tsx'
import { failureText, partText, troubleText } from '../texts/failures.ts'
import { jobReasonText } from '../texts/notes.ts'
import type { Member } from '../visit.tsx'

type Overview = z.output<typeof operations.getOverview.output>
type Service = Overview['services'][number]

export const Services = ({ visit, overview: { services, now } }: { visit: Member; overview: Overview }) => {
  const { services: words } = visit.texts.operations
  if (services.length === 0) return null
  return (
    <section aria-labelledby="services">
      <h2 id="services">{words.title}</h2>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{words.name}</th>
            <th scope="col" class="col-name">
              {words.state}
            </th>
            <th scope="col">{words.processes}</th>
            <th scope="col">{words.breakers}</th>
            <th scope="col">{words.troubles}</th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <ServiceRow visit={visit} service={service} now={now} />
          ))}
          {services.every(({ name }) => name !== 'web') && <OwnRow visit={visit} />}
        </tbody>
      </table>
    </section>
  )
}

/** While operations has no report of web, which it cannot watch, the process that makes the page speaks for itself. */
const OwnRow = ({ visit }: { visit: Member }) => {
  const { services: words } = visit.texts.operations
  const breakers = Object.entries(visit.deps.breakers()).map(([service, state]) => ({ service, state }))
  if (breakers.length === 0) return null
  return (
    <tr>
      <th scope="row">{words.web}</th>
      <td data-label={words.state}>
        <span class="state state-done">{words.answers}</span>
        <span class="muted below">{words.ownOnly}</span>
      </td>
      <td data-label={words.processes}>–</td>
      <td data-label={words.breakers}>
        <BreakerStates visit={visit} breakers={breakers} />
      </td>
      <td data-label={words.troubles}>–</td>
    </tr>
  )
}

/** Older transactions make every pass slower. */
const oldSnapshotMs = 60_000

const ServiceRow = ({ visit, service, now }: { visit: Member; service: Service; now: string }) => {
  const { services: words } = visit.texts.operations
  const { seconds } = visit.formats
  const { name, silentSince, silentReason, seenAt, instances, stream } = service
  const silentMs = silentSince === null ? 0 : Date.parse(now) - Date.parse(silentSince)
  const snapshotMs = stream?.oldestSnapshotMs ?? 0
  const troubles = instances.flatMap((instance) => instance.troubles)
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-label={words.state}>
        <span class={`state state-${silentSince === null && seenAt !== null ? 'done' : 'trouble'}`}>
          {silentSince !== null && words.silentFor(seconds(Math.max(1, Math.round(silentMs / 1_000))))}
          {silentSince === null && (seenAt === null ? words.never : words.answers)}
        </span>
        {silentReason !== null && (
          <Said class="muted below" given={silentReason} said={failureText(visit.texts, silentReason)} />
        )}
      </td>
      <td data-label={words.processes}>{words.processCount(instances.length)}</td>
      <td data-label={words.breakers}>
        <Breakers visit={visit} service={service} />
      </td>
      <td data-label={words.troubles}>
        {troubles.length === 0 && snapshotMs <= oldSnapshotMs && <span class="muted">{words.noTroubles}</span>}
        {troubles.map(({ part, what }) => (
          <span class="warning below">
            <Said given={part} said={partText(visit.texts, part)} />
            {': '}
            <Said given={what} said={troubleText(visit.texts, what, seconds)} />
          </span>
        ))}
        {snapshotMs > oldSnapshotMs && (
          <span class="warning below">{words.snapshot(seconds(Math.round(snapshotMs / 1_000)))}</span>
        )}
      </td>
    </tr>
  )
}

/** Each process has breakers of its own; of those of one service the worst is shown. */
const worse = ['closed', 'half-open', 'open'] as const

const Breakers = ({ visit, service: { instances } }: { visit: Member; service: Service }) => {
  const { services: words } = visit.texts.operations
  if (instances.length === 0) return <>–</>
  const all = instances.flatMap(({ breakers }) => breakers)
  if (all.length === 0) return <span class="muted">{words.noBreakers}</span>
  return <BreakerStates visit={visit} breakers={all} />
}

type Breaker = Service['instances'][number]['breakers'][number]

const BreakerStates = ({ visit, breakers }: { visit: Member; breakers: readonly Breaker[] }) => {
  const { services: words } = visit.texts.operations
  return (
    <>
      {[...Map.groupBy(breakers, ({ service }) => service)].map(([service, same]) => {
        const state = worse.findLast((each) => same.some((one) => one.state === each)) ?? 'closed'
        return (
          <span class="below">
            {service}:{' '}
            <span class={`state state-${state === 'closed' ? 'done' : 'trouble'}`}>{words.breakerStates[state]}</span>
          </span>
        )
      })}
    </>
  )
}

export const Jobs = ({ visit, jobs }: { visit: Member; jobs: Overview['jobs'] }) => {
  const { jobs: words } = visit.texts.operations
  return (
    <section aria-labelledby="jobs">
      <h2 id="jobs">{words.title}</h2>
      {jobs.length === 0 ? (
        <p class="muted">{words.none}</p>
      ) : (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{words.job}</th>
              <th scope="col" class="col-state">
                {words.state}
              </th>
              <th scope="col">{words.progress}</th>
              <th scope="col" class="last col-time">
                {words.requested}
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.slice(0, mostJobs).map((job) => (
              <JobRow visit={visit} job={job} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

const mostJobs = 10

const JobRow = ({ visit, job }: { visit: Member; job: Overview['jobs'][number] }) => {
  const { operations: words, reassign } = visit.texts
  const { number } = visit.formats
  const counts = countsIn(job.progress)
  return (
    <tr>
      <th scope="row">
        {job.name} <span class="number">#{job.id}</span> <span class="muted">{job.service}</span>
      </th>
      <td data-label={words.jobs.state}>
        <span class={`state state-${job.trouble === null ? job.state : 'trouble'}`}>
          {words.jobs.states[job.state]}
        </span>
      </td>
      <td data-label={words.jobs.progress}>
        {counts && reassign.progress(number(counts.done), counts.total)}
        {job.reason !== null && (
          <Said class="warning below" given={job.reason} said={jobReasonText(visit.texts, job.reason)} />
        )}
        {job.trouble !== null && (
          <Said class="warning below" given={job.trouble} said={jobReasonText(visit.texts, job.trouble)} />
        )}
      </td>
      <td class="last" data-label={words.jobs.requested}>
        <When visit={visit} at={job.requestedAt} />
      </td>
    </tr>
  )
}

/** What a job counts is its own matter; most have these two. */
const countsIn = (progress: unknown): { done: number; total: number } | null => {
  if (typeof progress !== 'object' || progress === null || !('done' in progress) || !('total' in progress)) return null
  const { done, total } = progress
  return typeof done === 'number' && typeof total === 'number' ? { done, total: Math.max(done, total) } : null
}
