// What has happened to somebody's tasks and is not in the ledger yet: behind accounting's position, up to the head.
import type { z } from 'zod'
import type { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { Description, TaskNumber, When } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'

type Account = z.output<typeof accounting.getAccountInfo.output>
export type OnTheWay = z.output<typeof taskTracker.getHappenings.output>
type Entry = OnTheWay['happenings'][number]

/** More than these are not listed, but said to be. */
const mostShown = 50

/** Null while the task tracker is out of reach. Asked after the account, whose balance holds nothing of it. */
export const onTheWayTo = (visit: Member, { popugId, upTo, upToEpoch }: Account): Promise<OnTheWay | null> =>
  visit.want(taskTracker.getHappenings, { popugId, fromNumber: upTo + 1, fromEpoch: upToEpoch, limit: mostShown })

interface Props {
  readonly visit: Member
  readonly onTheWay: OnTheWay
  readonly upTo: number
  /** Where the account is a page. */
  readonly path: string
}

/** Nothing where nothing is on the way. */
export const Pending = ({ visit, onTheWay: { happenings, complete, head }, upTo, path }: Props) => {
  const { account: words, reassign } = visit.texts
  const { number } = visit.formats
  if (happenings.length === 0 && complete) return null
  return (
    <section aria-labelledby="pending" class="on-the-way">
      <h2 id="pending">{words.onTheWay}</h2>
      <p>
        {happenings.length > 0 && <>{words.onTheWayHelp(happenings.length)} </>}
        {!complete && <>{words.onTheWayMore} </>}
        <span class="muted">{words.behind(number(upTo), number(head))}</span>
      </p>
      {happenings.length > 0 && <Entries visit={visit} happenings={happenings} />}
      <p class="no-js">
        <a href={path}>{reassign.refresh}</a>
      </p>
    </section>
  )
}

const Entries = ({ visit, happenings }: { visit: Member; happenings: readonly Entry[] }) => {
  const { account: words } = visit.texts
  return (
    <table class="rows ledger">
      <thead>
        <tr>
          <th scope="col" class="col-time">
            {words.when}
          </th>
          <th scope="col">{words.what}</th>
          <th scope="col" class="col-cause">
            {words.cause}
          </th>
          <th scope="col" class="money col-money">
            {words.amount}
          </th>
        </tr>
      </thead>
      <tbody>
        {happenings.map((entry) => (
          <EntryRow visit={visit} entry={entry} />
        ))}
      </tbody>
    </table>
  )
}

const EntryRow = ({ visit, entry }: { visit: Member; entry: Entry }) => {
  const { account: words } = visit.texts
  return (
    <tr>
      <td class="hour">
        <When visit={visit} at={entry.at} />
      </td>
      <th scope="row" class="task">
        <span class="why">{entry.what === 'assigned' ? words.fee(entry.assignment) : words.reward}</span>
        <div class="which">
          <TaskNumber taskId={entry.taskId} /> <Description visit={visit} text={entry.description} />
        </div>
      </th>
      <td class="cause">
        <code title={entry.eventId}>
          {taskTracker.getHappenings.service} {entry.number === null ? '' : `#${entry.number}`}
        </code>
        {entry.number === null && <span class="muted"> {words.noNumber}</span>}
      </td>
      <td class="money sum">
        <span class="pending">{words.amountUnknown}</span>
      </td>
    </tr>
  )
}
