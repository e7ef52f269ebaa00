// Reassign: draws all open tasks anew, shows how far it is, and who did it before.
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { taskTracker, type Reassignment } from '../../task-tracker/contract.ts'
import { feeRangeCents, managers } from '../../vocabulary.ts'
import { idFrom } from '../forms.ts'
import { CommandForm } from '../look/fields.tsx'
import { Empty, followedFrom, Notice, PageLinks, When } from '../look/parts.tsx'
import { Problem } from '../problem.ts'
import { get, post } from '../route.ts'
import { turnDown, type Member } from '../visit.tsx'
import { paceOf } from './pace.ts'

type Job = z.output<typeof Reassignment>
type Preview = z.output<typeof taskTracker.previewReassignment.output>
type Jobs = z.output<typeof taskTracker.listReassignments.output>

export const reassignPage = [
  get('/reassign', managers, async (visit) => {
    const [jobs, preview] = await Promise.all([jobsOf(visit), visit.need(taskTracker.previewReassignment, {})])
    return visit.page(visit.texts.reassign.title, <Reassign visit={visit} jobs={jobs} preview={preview} />)
  }),

  /** The part that changes while a reassignment runs. */
  get('/reassign/progress', managers, async (visit) =>
    visit.fragment(<Progress visit={visit} jobs={await jobsOf(visit)} />),
  ),

  /** The question is a page of its own, so that it needs no script. */
  get('/reassign/confirm', managers, async (visit) => {
    const preview = await visit.need(taskTracker.previewReassignment, {})
    return visit.page(visit.texts.reassign.confirmTitle, <Confirm visit={visit} preview={preview} />)
  }),

  post('/reassign', managers, async (visit, form) => {
    const outcome = await visit.call(taskTracker.assignTasks, {}, { key: form.key })
    if (isRefusal(outcome)) return turnDown(visit, '/reassign', taskTracker.assignTasks, outcome)
    return visit.seeOther('/reassign', { is: 'reassignmentStarted', id: String(outcome.ok.id) })
  }),

  post('/reassign/:id/cancel', managers, async (visit, form) => {
    const id = idFrom(visit.param('id'))
    if (id === null) throw new Problem('notFound')
    const outcome = await visit.call(taskTracker.cancelReassignment, { id }, { key: form.key })
    if (isRefusal(outcome)) return turnDown(visit, '/reassign', taskTracker.cancelReassignment, outcome)
    return visit.seeOther('/reassign', { is: 'reassignmentCancelled', id: String(id) })
  }),
]

const jobsOf = (visit: Member): Promise<Jobs> =>
  visit.need(taskTracker.listReassignments, { after: visit.query.get('after') || undefined, limit: 20 })

const Reassign = ({ visit, jobs, preview }: { visit: Member; jobs: Jobs; preview: Preview }) => {
  const { reassign: words } = visit.texts
  return (
    <>
      <p class="lead">{words.lead}</p>
      {preview.waiting > 0 && <Notice>{words.waitingFor(preview.waiting)}</Notice>}
      <a class="btn btn-primary" href="/reassign/confirm">
        {words.start}
      </a>
      <Progress visit={visit} jobs={jobs} />
    </>
  )
}

const Confirm = ({ visit, preview }: { visit: Member; preview: Preview }) => {
  const { reassign: words } = visit.texts
  const { money, number } = visit.formats
  const { openTasks, exact, assignable, assignableExact = true } = preview
  if (openTasks === 0) return <NothingToDraw visit={visit} />
  return (
    <>
      <p class="lead">{words.confirmText}</p>
      <dl class="figures preview">
        <div>
          <dt>{words.openTasks}</dt>
          <dd>{exact ? number(openTasks) : words.more(number(openTasks))}</dd>
        </div>
        <div>
          <dt>{words.amongPopugs}</dt>
          <dd>{assignableExact ? number(assignable) : words.more(number(assignable))}</dd>
        </div>
        <div>
          <dt>{words.cost}</dt>
          <dd>
            {exact
              ? words.range(money(openTasks * feeRangeCents.from), money(openTasks * feeRangeCents.to))
              : words.atLeast(money(openTasks * feeRangeCents.from))}
          </dd>
        </div>
      </dl>
      {assignable === 0 && <Notice>{words.nobodyToDraw}</Notice>}
      <CommandForm action="/reassign" class="acts">
        <button class="btn btn-primary">{words.confirm}</button>
        <a class="btn" href="/reassign">
          {words.back}
        </a>
      </CommandForm>
    </>
  )
}

const NothingToDraw = ({ visit }: { visit: Member }) => {
  const { reassign: words } = visit.texts
  return (
    <Empty title={words.nothingOpen}>
      <p>{words.nothingOpenHelp}</p>
      <p>
        <a href="/tasks">{visit.texts.myTasks.emptyLink}</a>
      </p>
    </Empty>
  )
}

const isActive = ({ finishedAt }: Job): boolean => finishedAt === null

/** What a job does is hinted at by its events. A queued one, a waiting one and one without open tasks has none. */
const seconds = { whileActive: 5, otherwise: 15 }

/** Follows reassignments, also those that others start. */
const Progress = ({ visit, jobs: { reassignments, next } }: { visit: Member; jobs: Jobs }) => {
  const { reassign: words } = visit.texts
  const active = reassignments.filter(isActive).toReversed()
  const ended = reassignments.filter((job) => !isActive(job))
  const every = active.length > 0 ? seconds.whileActive : seconds.otherwise
  const follows = visit.query.has('after') ? {} : followedFrom('/reassign/progress', 'reassignments', true, every)
  return (
    <div id="progress" {...follows}>
      {active.length > 0 && (
        <section aria-labelledby="current">
          <h2 id="current">{words.current}</h2>
          {active.map((job) => (
            <ActiveJob visit={visit} job={job} />
          ))}
          <p class="no-js">
            <a href="/reassign">{words.refresh}</a>
          </p>
        </section>
      )}
      <section aria-labelledby="history">
        <h2 id="history">{words.history}</h2>
        {ended.length > 0 && <History visit={visit} jobs={ended} />}
        {reassignments.length === 0 && (
          <Empty title={words.empty}>
            <p>{words.emptyHelp}</p>
          </Empty>
        )}
        <PageLinks visit={visit} path="/reassign" next={next} />
      </section>
    </div>
  )
}

const ActiveJob = ({ visit, job }: { visit: Member; job: Job }) => {
  const { reassign: words } = visit.texts
  const { number } = visit.formats
  return (
    <article class="job" id={`job-${job.id}`} aria-label={`${words.title} #${job.id}`}>
      <p class="job-head">
        <strong>#{job.id}</strong> <span class={`state state-${job.state}`}>{words.states[job.state]}</span>
        <span class="muted">
          <When visit={visit} at={job.requestedAt} />, <Who visit={visit} job={job} />
        </span>
      </p>
      {job.state === 'queued' && <p>{words.queued}</p>}
      {job.state === 'waiting' && (
        <p class="warning">{job.reason === 'nobody_assignable' ? words.waitingNobody : words.waiting}</p>
      )}
      {job.state !== 'queued' && (
        <>
          <progress
            class="progress progress-primary"
            max={Math.max(job.total, job.done, 1)}
            value={job.done}
            aria-label={words.current}
          />
          <p class="job-count">{words.progress(number(job.done), Math.max(job.total, job.done))}</p>
          <Pace visit={visit} job={job} />
          <dl class="counts">
            <div>
              <dt>{words.moved}</dt>
              <dd>{number(job.moved)}</dd>
            </div>
            <div>
              <dt>{words.skipped}</dt>
              <dd>{number(job.skipped)}</dd>
            </div>
          </dl>
        </>
      )}
      <CommandForm action={`/reassign/${job.id}/cancel`}>
        <button class="btn btn-sm" aria-label={words.cancelJob(job.id)}>
          {words.cancel}
        </button>
      </CommandForm>
    </article>
  )
}

/** How fast it goes and how long it will take at this pace; nothing before there is something to go by. */
const Pace = ({ visit, job }: { visit: Member; job: Job }) => {
  const { reassign: words } = visit.texts
  const pace = paceOf(job, visit.now)
  if (pace === null) return null
  return (
    <p class="muted">{words.pace(visit.formats.number(pace.perSecond), visit.formats.seconds(pace.secondsLeft))}</p>
  )
}

const Who = ({ visit, job }: { visit: Member; job: Job }) => {
  const { reassign: words } = visit.texts
  if (job.requestedBy === visit.person.popugId) return <>{words.you}</>
  return <>{job.requestedByName ?? words.person(job.requestedBy)}</>
}

const History = ({ visit, jobs }: { visit: Member; jobs: readonly Job[] }) => {
  const { reassign: words } = visit.texts
  return (
    <table class="rows even">
      <thead>
        <tr>
          <th scope="col" class="col-hour">
            {words.number}
          </th>
          <th scope="col" class="col-state">
            {words.state}
          </th>
          <th scope="col" class="col-time">
            {words.requested}
          </th>
          <th scope="col">{words.by}</th>
          <th scope="col" class="count col-count">
            {words.moved}
          </th>
          <th scope="col" class="count col-count">
            {words.skipped}
          </th>
          <th scope="col" class="count col-money">
            {words.took}
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <HistoryRow visit={visit} job={job} />
        ))}
      </tbody>
    </table>
  )
}

const HistoryRow = ({ visit, job }: { visit: Member; job: Job }) => {
  const { reassign: words } = visit.texts
  const { number, span } = visit.formats
  return (
    <tr>
      <th scope="row" class="number">
        #{job.id}
      </th>
      <td data-label={words.state}>
        <span class={`state state-${job.state}`}>{words.states[job.state]}</span>
      </td>
      <td data-label={words.requested}>
        <When visit={visit} at={job.requestedAt} />
      </td>
      <td data-label={words.by}>
        <Who visit={visit} job={job} />
      </td>
      <td class="count" data-label={words.moved}>
        {number(job.moved)}
      </td>
      <td class="count" data-label={words.skipped}>
        {number(job.skipped)}
      </td>
      <td class="count" data-label={words.took}>
        {job.startedAt && job.finishedAt ? span(job.startedAt, job.finishedAt) : '–'}
      </td>
    </tr>
  )
}
