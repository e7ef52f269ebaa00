// What public methods do, where their contract says it to programmers and people would rather have it plainer.
import type { MethodTexts } from './contracts.ts'

export const methods: MethodTexts = {
  identity: {
    ChangePerson: 'Changes the name or role of a person, disables or enables them. Disabling ends all their sessions.',
    GetMe: 'Your own name, e-mail address and role.',
    ChangeMe: 'Changes your own name.',
  },
  'task-tracker': {
    CreateTask: 'Creates a task. A popug is drawn for it at random; managers and admins may name the assignee.',
    CompleteTask: 'Completes a task; only its assignee may.',
    AssignTasks: 'Starts a reassignment: an assignee is drawn anew for every open task.',
    PreviewReassignment:
      'What a reassignment would do now: how many tasks it would draw anew, and among how many popugs.',
    CancelReassignment: 'Stops a reassignment; what was drawn stays drawn.',
    GetTasks: 'Tasks in one of three orders, also by assignee, by state and by a text in their description.',
  },
  accounting: {
    GetAccountInfo:
      'An account: its balance, the sum of today and every line with the balance after it, newest first. Everybody sees their own, accountants and admins any.',
    ListAccounts: 'Balances of all popugs by number; one is found by number or by how a word of the name begins.',
    GetTaskPostings:
      'What has been charged and paid for a task, by event. Accountants, managers and admins see all of it, others what concerns them.',
    GetTakenTasks:
      'Tasks that a popug had and that went to somebody else since a moment, the latest first. Everybody sees their own, accountants and admins those of anybody.',
  },
  operations: {
    ListParked:
      'Parked events of a consumer, oldest first: those that wait for a decision, were discarded, or applied since.',
    AcceptHistory:
      "Accepts the producer's present history for a forked consumer: behind the number that is given, a new epoch begins.",
  },
}
