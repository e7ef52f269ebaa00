// What the task tracker offers: tasks, who holds them, and the long job that draws all of them anew.
import { z } from 'zod'
import { command, contract, event, query, serviceRole } from '../../kernel/contract.ts'
import { everybody, managers, moment, nextPage, pageMark, pageSize, popugId, taskId, text } from '../vocabulary.ts'

export const taskState = z.enum(['open', 'completed'])

export const taskOrder = z.enum(['newest', 'oldest', 'completed'])

export const Task = z.object({
  taskId,
  description: z.string(),
  state: taskState,
  assigneeId: popugId,
  assigneeName: z.string(),
  assigneeActive: z.boolean().describe('false: the assignee was disabled; the next AssignTasks draws anew'),
  assigneeAssignable: z
    .boolean()
    .optional()
    .describe(
      'false: disabled, a manager or an admin by now; the next AssignTasks draws anew. An older version leaves it out',
    ),
  assignment: z.int().describe('number of the assignment, from 1'),
  createdBy: popugId,
  createdAt: moment,
  assignedAt: moment,
  completedAt: moment.nullable(),
})

const jobId = z.int().min(1).max(2_147_483_647).describe('number of a reassignment')

export const Reassignment = z.object({
  id: jobId,
  state: z.enum(['queued', 'running', 'waiting', 'done', 'cancelled']),
  reason: z.string().nullable().describe('why it waits'),
  total: z.int().describe('estimate of open tasks at the start'),
  done: z.int().describe('tasks looked at'),
  moved: z.int().describe('tasks drawn anew'),
  skipped: z.int().describe('tasks completed meanwhile'),
  requestedBy: popugId,
  requestedByName: z.string().nullable().describe('null until the task tracker has heard of the person'),
  requestedAt: moment,
  startedAt: moment.nullable(),
  finishedAt: moment.nullable(),
})

export const TaskHappening = z.object({
  what: z.enum(['assigned', 'completed']),
  assignment: z.int().nullable().describe('number of the assignment, from 1; null for the completion'),
  popugId: popugId.describe('who got or completed the task'),
  popugName: z.string().nullable(),
  byId: popugId.nullable().describe('who made it happen: created, reassigned or completed'),
  byName: z.string().nullable(),
  at: moment,
  number: z.int().nullable().describe("number of its event in the task tracker's log; null until it has one"),
  eventId: z.uuid(),
  requestId: z.string().describe('the request that began it, as logs and traces say it'),
})

export const taskTracker = contract('task-tracker', {
  createTask: command({
    http: 'POST /tasks',
    summary: 'Creates a task and assigns it, to a popug drawn at random or, by managers and admins, to the one named.',
    allow: everybody,
    input: z.object({ description: text(1, 2000), popugId: popugId.optional().describe('the assignee') }),
    output: Task,
    refuses: { nobody_assignable: 'conflict', popug_not_assignable: 'conflict', may_not_choose: 'forbidden' },
  }),
  completeTask: command({
    http: 'POST /tasks/{taskId}/complete',
    summary: 'Completes a task; only its assignee may. Again: the same answer.',
    allow: everybody,
    idempotent: true,
    input: z.object({ taskId }),
    output: Task,
    refuses: { task_not_found: 'absent', not_assignee: 'forbidden' },
  }),
  assignTasks: command({
    http: 'POST /reassignments',
    summary: 'Starts the job that draws an assignee anew for every open task.',
    allow: managers,
    input: z.object({}),
    output: Reassignment,
    refuses: { too_many_reassignments: 'conflict' },
  }),
  previewReassignment: query({
    http: 'GET /reassignment-preview',
    summary: 'What AssignTasks would do now: how many tasks it would draw anew, and among how many popugs.',
    allow: managers,
    input: z.object({}),
    output: z.object({
      openTasks: z.int(),
      exact: z.boolean().describe('false: there are more than openTasks. Only an older version stops counting'),
      assignable: z.int().describe('popugs who can be drawn'),
      assignableExact: z
        .boolean()
        .optional()
        .describe('false: there are more than assignable. Only an older version stops counting, or leaves it out'),
      waiting: z.int().describe('open tasks of people who can no longer be given any; at most 1,000 are counted'),
    }),
  }),
  cancelReassignment: command({
    http: 'POST /reassignments/{id}/cancel',
    summary: 'Stops a reassignment after its present chunk; what was drawn stays drawn.',
    allow: managers,
    idempotent: true,
    input: z.object({ id: jobId }),
    output: Reassignment,
    refuses: { reassignment_not_found: 'absent', reassignment_finished: 'conflict' },
  }),
  getReassignment: query({
    http: 'GET /reassignments/{id}',
    summary: 'The progress of one reassignment.',
    allow: managers,
    input: z.object({ id: jobId }),
    output: Reassignment,
    refuses: { reassignment_not_found: 'absent' },
  }),
  listReassignments: query({
    http: 'GET /reassignments',
    summary: 'Reassignments, newest first.',
    allow: managers,
    input: z.object({ after: pageMark, limit: pageSize }),
    output: z.object({ reassignments: z.array(Reassignment), next: nextPage }),
  }),
  getTasks: query({
    http: 'GET /tasks',
    summary: 'Tasks in one of three orders; of one assignee, in one state, with a text in their description.',
    allow: everybody,
    input: z.object({
      popugId: popugId.optional().describe('the assignee'),
      state: taskState.optional(),
      text: text(0, 200).optional().describe('part of the description; fewer than three characters are ignored'),
      order: taskOrder
        .default('newest')
        .describe('by creation, or by completion, the latest first, which leaves open tasks out'),
      after: pageMark,
      limit: pageSize,
    }),
    output: z.object({ tasks: z.array(Task), next: nextPage }),
  }),
  getTask: query({
    http: 'GET /tasks/{taskId}',
    summary: 'One task.',
    allow: everybody,
    input: z.object({ taskId }),
    output: Task,
    refuses: { task_not_found: 'absent' },
  }),
  getTaskHistory: query({
    http: 'GET /tasks/{taskId}/history',
    summary: 'A task and all that has happened to it, oldest first: each assignment, and its completion.',
    allow: everybody,
    input: z.object({ taskId, after: pageMark, limit: pageSize }),
    output: z.object({
      task: Task,
      createdByName: z.string().nullable(),
      happenings: z.array(TaskHappening),
      next: nextPage,
    }),
    refuses: { task_not_found: 'absent' },
  }),
  getHappenings: query({
    http: 'GET /popugs/{popugId}/happenings',
    summary:
      'What has happened to the tasks of a popug from an event on, the latest first: which they were given, also if somebody else has them by now, and which they completed.',
    allow: everybody,
    input: z.object({
      popugId,
      fromNumber: z.int().min(1).default(1).describe('of this event or later'),
      fromEpoch: z.int().min(1).max(2_147_483_647).default(1).describe("that event's epoch"),
      limit: pageSize,
    }),
    output: z.object({
      head: z.int().describe("number of the last event in the task tracker's log"),
      complete: z.boolean().describe('false: there are more, or more events since then than are looked at, 10,000'),
      happenings: z.array(
        TaskHappening.pick({ what: true, assignment: true, at: true, number: true, eventId: true }).extend({
          taskId,
          description: z.string(),
        }),
      ),
    }),
  }),
  countGivenTasks: query({
    http: 'GET /popugs/{popugId}/given-tasks',
    summary: 'How many of the open tasks of a popug they were given after a moment, also once more.',
    allow: everybody,
    input: z.object({ popugId, since: moment, most: z.int().min(1).max(1_000).default(200) }),
    output: z.object({
      tasks: z.int(),
      exact: z.boolean().describe('false: there are more than `most`, which is what is counted'),
    }),
  }),
  describeTasks: query({
    http: 'POST /tasks/describe',
    summary: 'Descriptions of up to 500 tasks; unknown ones are left out.',
    allow: everybody,
    input: z.object({ taskIds: z.array(taskId).max(500) }),
    output: z.object({ tasks: z.array(z.object({ taskId, description: z.string() })) }),
  }),
  getRoster: query({
    http: 'GET /roster',
    summary: 'Who may be assigned tasks, or everybody whose task may be looked for, by name.',
    allow: everybody,
    input: z.object({
      who: z.enum(['assignable', 'everybody']).default('assignable'),
      text: text(0, 200).optional(),
      limit: pageSize,
    }),
    output: z.object({
      popugs: z.array(
        z.object({
          popugId,
          name: z.string(),
          assignable: z
            .boolean()
            .optional()
            .describe('false: disabled, a manager or an admin. An older version lists only who is, and leaves it out'),
        }),
      ),
    }),
  }),
  verifyTasks: query({
    http: 'GET /verification',
    summary: 'Compares the next tasks with what their events tell, and the next events with the tasks they name.',
    allow: [serviceRole],
    input: z.object({ after: pageMark, limit: z.int().min(1).max(10_000).default(2_000) }),
    output: z.object({
      upTo: z.int().describe('head of the log at the moment of the comparison'),
      tasks: z.int().describe('tasks compared'),
      events: z.int().describe('events compared'),
      differences: z.array(
        z.object({
          what: z.string().describe('which check found it'),
          where: z.string().describe('task or event'),
          expected: z.string().describe('what the events tell'),
          found: z.string(),
        }),
      ),
      next: nextPage,
    }),
  }),
  taskAssigned: event({
    version: 1,
    summary: 'A popug was drawn or named for a task; the fee is due.',
    about: 'taskId',
    data: z.object({ taskId, popugId, assignment: z.int().min(1) }),
  }),
  taskCompleted: event({
    version: 1,
    summary: 'The assignee completed the task; the reward is due.',
    about: 'taskId',
    data: z.object({ taskId, popugId }),
  }),
})
