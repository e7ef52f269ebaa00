// Who may call what, written down by hand: the contracts, the gateway, the services and the page of permissions are held
// against it. A method without a line here fails the test.

export const people = ['popug', 'manager', 'accountant', 'admin'] as const
export type Caller = (typeof people)[number] | 'service'

type Line = readonly Caller[]

const everybody: Line = people
const managers: Line = ['manager', 'admin']
const accountants: Line = ['accountant', 'admin']
const staff: Line = ['manager', 'accountant', 'admin']
const admins: Line = ['admin']
/** Not public: no person may. */
const services: Line = ['service']

/** By `service method`. */
export const mayCall: Readonly<Record<string, Line>> = {
  'identity InvitePerson': admins,
  'identity ChangePerson': admins,
  'identity RenewInvitation': admins,
  'identity GetPeople': admins,
  'identity GetMe': everybody,
  'identity ChangeMe': everybody,
  'identity IssueFirstAdministratorLink': services,
  'identity CreateFirstAdministrator': services,
  'identity GetInvitation': services,
  'identity AcceptInvitation': services,
  'identity SignIn': services,
  'identity GetSession': services,
  'identity SignOut': services,
  'identity ChangePassword': services,
  'identity ListSessions': services,
  'identity EndSession': services,
  'identity GetSecurityEvents': admins,

  'task-tracker CreateTask': everybody,
  'task-tracker CompleteTask': everybody,
  'task-tracker AssignTasks': managers,
  'task-tracker PreviewReassignment': managers,
  'task-tracker CancelReassignment': managers,
  'task-tracker GetReassignment': managers,
  'task-tracker ListReassignments': managers,
  'task-tracker GetTasks': everybody,
  'task-tracker GetTask': everybody,
  'task-tracker GetTaskHistory': everybody,
  'task-tracker GetHappenings': everybody,
  'task-tracker CountGivenTasks': everybody,
  'task-tracker DescribeTasks': everybody,
  'task-tracker GetRoster': everybody,
  'task-tracker VerifyTasks': services,

  'accounting GetAccountInfo': everybody,
  'accounting GetPrices': everybody,
  'accounting ListAccounts': accountants,
  'accounting GetEarnings': accountants,
  'accounting GetTaskPostings': everybody,
  'accounting GetTakenTasks': everybody,
  'accounting VerifyLedger': [...accountants, 'service'],

  'operations GetOverview': staff,
  'operations ListParked': staff,
  'operations GetParkedEvent': staff,
  'operations PlanDelivery': staff,
  'operations PlanRedelivery': staff,
  'operations PlanAcceptance': staff,
  'operations RetryEvents': admins,
  'operations DiscardEvents': admins,
  'operations RestoreEvents': admins,
  'operations RefetchEvents': admins,
  'operations RedeliverEvents': admins,
  'operations PauseConsumer': admins,
  'operations ResumeConsumer': admins,
  'operations AcceptHistory': admins,
  'operations Reconcile': admins,
  'operations CancelAct': admins,
  'operations GetAct': staff,
  'operations ListActs': staff,
  'operations ListDifferences': staff,
  'operations ListAlerts': staff,
  'operations ReportProcess': services,
  'operations GetAlarm': services,
}

/** Who gets an answer from web beside pages, by path: `by method` is said above. */
export const mayOpen: Readonly<Record<string, 'anybody' | 'by method' | Line>> = {
  '/assets/*': 'anybody',
  '/live': everybody,
  '/health/live': 'anybody',
  '/health/ready': 'anybody',
  '/api/openapi.json': 'anybody',
  '/api/*': 'by method',
}

/** What every service answers beside its own methods, all of it for services only. */
export const ofEveryService: readonly string[] = [
  'GetState',
  'ReadLog',
  'GetParked',
  'RetryParked',
  'RetryParkedEvents',
  'DiscardParked',
  'RestoreParked',
  'SetConsumerState',
  'Deliver',
  'Republish',
  'DigestLog',
  'ListLog',
  'DigestEffects',
  'ListEffects',
  'CompareHistory',
  'BeginEpoch',
  'AcceptEpoch',
]

/** Null when nothing is written down. */
export const callersOf = (service: string, method: string): Line | null =>
  mayCall[`${service} ${method}`] ?? (ofEveryService.includes(method) ? services : null)
