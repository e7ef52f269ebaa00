// What somebody gets who asks for another person's thing, or acts upon it, while having the same role: written down by
// hand for every method and every page that carries an id. One without a line here fails the test.
import type { Role } from '../../services/vocabulary.ts'

/** What a person can own or have to do with; operations' things are the company's, and nobody's own. */
export type Thing = 'person' | 'task' | 'reassignment' | 'act' | 'event' | 'session' | 'runbook'

/**
 * What the other one gets from a method. `same`: exactly what the owner gets. `own part`: that without what is the
 * owner's. `in own name`: an act that says who asked for it. Otherwise status and code of a refusal.
 */
export type Verdict = 'same' | 'own part' | 'in own name' | `${number} ${string}`

type ByRole<Said> = Readonly<Record<Role, Said>>

export interface Method {
  readonly of: Thing
  /** Input beside what names the thing. */
  readonly input?: Readonly<Record<string, unknown>>
  readonly verdict: ByRole<Verdict>
}

/** What the other one gets from a page: its status, and what it then says. */
export interface Page {
  readonly of: Thing
  readonly form?: Readonly<Record<string, string>>
  /** `303 code`: a message or a refusal for the next page; `200 account`: with lines of an account, or a way to them. */
  readonly verdict: ByRole<string>
}

const forbidden = '403 forbidden'
const everybody = <Said>(said: Said): ByRole<Said> => ({ popug: said, manager: said, accountant: said, admin: said })
const staff = (verdict: Verdict): ByRole<Verdict> => ({ ...everybody(verdict), popug: forbidden })
const managers = (verdict: Verdict): ByRole<Verdict> => ({ ...everybody(forbidden), manager: verdict, admin: verdict })
const admins = (verdict: Verdict): ByRole<Verdict> => ({ ...everybody(forbidden), admin: verdict })

const reason = 'somebody else said so'
const range = { after: 0, upTo: 1 }

/** By `service method`. */
export const methods: Readonly<Record<string, Method>> = {
  'identity RenewInvitation': { of: 'person', verdict: admins('same') },
  'identity GetSecurityEvents': { of: 'person', verdict: admins('same') },

  'task-tracker CreateTask': {
    of: 'person',
    input: { description: 'For somebody else' },
    verdict: {
      popug: '403 may_not_choose',
      accountant: '403 may_not_choose',
      manager: '409 popug_not_assignable',
      admin: '409 popug_not_assignable',
    },
  },
  'task-tracker CompleteTask': { of: 'task', verdict: everybody('403 not_assignee') },
  'task-tracker GetTasks': { of: 'person', verdict: everybody('same') },
  'task-tracker GetTask': { of: 'task', verdict: everybody('same') },
  'task-tracker GetTaskHistory': { of: 'task', verdict: everybody('same') },
  'task-tracker GetHappenings': { of: 'person', verdict: everybody('same') },
  'task-tracker CountGivenTasks': {
    of: 'person',
    input: { since: '2020-01-01T00:00:00.000Z' },
    verdict: everybody('same'),
  },
  'task-tracker DescribeTasks': { of: 'task', verdict: everybody('same') },
  'task-tracker GetReassignment': { of: 'reassignment', verdict: managers('same') },
  'task-tracker CancelReassignment': { of: 'reassignment', verdict: managers('same') },

  'accounting GetAccountInfo': {
    of: 'person',
    verdict: { popug: '403 not_own_account', manager: '403 not_own_account', accountant: 'same', admin: 'same' },
  },
  'accounting GetPrices': { of: 'task', verdict: everybody('same') },
  'accounting GetTaskPostings': { of: 'task', verdict: { ...everybody<Verdict>('same'), popug: 'own part' } },
  'accounting GetTakenTasks': {
    of: 'person',
    input: { since: '2020-01-01T00:00:00.000Z' },
    verdict: { ...everybody<Verdict>('same'), popug: '403 not_own_account', manager: '403 not_own_account' },
  },

  'operations ListParked': { of: 'event', verdict: staff('same') },
  'operations GetParkedEvent': { of: 'event', verdict: staff('same') },
  'operations PlanDelivery': { of: 'event', input: range, verdict: staff('same') },
  'operations PlanRedelivery': { of: 'event', input: range, verdict: staff('same') },
  'operations PlanAcceptance': { of: 'event', verdict: staff('409 not_forked') },
  'operations RetryEvents': { of: 'event', verdict: admins('in own name') },
  'operations DiscardEvents': { of: 'event', input: { reason }, verdict: admins('in own name') },
  'operations RestoreEvents': { of: 'event', verdict: admins('in own name') },
  'operations RefetchEvents': { of: 'event', input: range, verdict: admins('in own name') },
  'operations RedeliverEvents': { of: 'event', input: range, verdict: admins('in own name') },
  'operations PauseConsumer': { of: 'event', input: { reason }, verdict: admins('in own name') },
  'operations ResumeConsumer': { of: 'event', verdict: admins('in own name') },
  'operations AcceptHistory': { of: 'event', input: { after: 0, reason }, verdict: admins('in own name') },
  'operations GetAct': { of: 'act', verdict: staff('same') },
  'operations CancelAct': { of: 'act', verdict: admins('same') },

  // Last, for the others hear of a new name in their own time.
  'identity ChangePerson': { of: 'person', input: { name: 'Another name' }, verdict: admins('same') },
}

const closed = '403'
const pageOfAdmins = (verdict: string): ByRole<string> => ({ ...everybody(closed), admin: verdict })
const pageOfStaff = (verdict: string): ByRole<string> => ({ ...everybody(verdict), popug: closed })
/** Who keeps the books finds the way from a task to its assignee's account. */
const storyOf = { ...everybody('200'), accountant: '200 account', admin: '200 account' }

/** By verb and path of the route. */
export const pages: Readonly<Record<string, Page>> = {
  'GET /tasks/:taskId': { of: 'task', verdict: storyOf },
  'GET /tasks/:taskId/story': { of: 'task', verdict: storyOf },
  'POST /tasks/:taskId/complete': { of: 'task', verdict: everybody('303 not_assignee') },
  'POST /me/sessions/:id/end': { of: 'session', verdict: everybody('404') },
  'GET /accounts/:popugId': {
    of: 'person',
    verdict: { popug: closed, manager: closed, accountant: '200 account', admin: '200' },
  },
  'GET /accounts/:popugId/now': {
    of: 'person',
    verdict: { popug: closed, manager: closed, accountant: '200 account', admin: '200' },
  },
  'POST /people/:popugId/role': { of: 'person', form: { role: 'admin' }, verdict: pageOfAdmins('303 roleChanged') },
  'POST /people/:popugId/invitation': { of: 'person', verdict: pageOfAdmins('303 linkRenewed') },
  'POST /reassign/:id/cancel': {
    of: 'reassignment',
    verdict: { ...everybody(closed), manager: '303 reassignmentCancelled', admin: '303 reassignmentCancelled' },
  },
  'GET /operations/acts/:id': { of: 'act', verdict: pageOfStaff('200') },
  'GET /operations/acts/:id/progress': { of: 'act', verdict: pageOfStaff('200') },
  'POST /operations/acts/:id/cancel': { of: 'act', verdict: pageOfAdmins('303 actCancelled') },
  'GET /operations/parked/:service/:consumer/:number': { of: 'event', verdict: pageOfStaff('200') },
  'GET /operations/consumers/:service/:consumer': { of: 'event', verdict: pageOfStaff('200') },
  'POST /operations/consumers/:service/:consumer/pause': {
    of: 'event',
    form: { reason },
    verdict: pageOfAdmins('303 actRequested'),
  },
  'POST /operations/consumers/:service/:consumer/resume': { of: 'event', verdict: pageOfAdmins('303 actRequested') },
  'POST /operations/consumers/:service/:consumer/accept': {
    of: 'event',
    form: { after: '0', reason },
    verdict: pageOfAdmins('303 actRequested'),
  },
  'POST /operations/consumers/:service/:consumer/deliver': {
    of: 'event',
    form: { after: '0', upTo: '1' },
    verdict: pageOfAdmins('303 actRequested'),
  },
  'GET /operations/streams/:stream': { of: 'event', verdict: pageOfStaff('200') },
  'POST /operations/streams/:stream/redeliver': {
    of: 'event',
    form: { after: '0', upTo: '1' },
    verdict: pageOfAdmins('303 actRequested'),
  },
  'GET /operations/runbooks/:name': { of: 'runbook', verdict: pageOfStaff('200') },
  'POST /people/:popugId/active': {
    of: 'person',
    form: { active: 'false' },
    verdict: pageOfAdmins('303 personDisabled'),
  },
}
