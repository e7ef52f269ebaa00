// The task tracker, put together.
import { defineService } from '../../kernel/service.ts'
import {
  assignTasks,
  cancelReassignment,
  getReassignment,
  listReassignments,
  previewReassignment,
} from './assign-tasks.ts'
import { completeTask } from './complete-task.ts'
import { taskTracker as contract } from './contract.ts'
import { createTask } from './create-task.ts'
import { getHappenings } from './get-happenings.ts'
import { getTaskHistory } from './get-task-history.ts'
import { countGivenTasks, describeTasks, getRoster, getTask, getTasks } from './get-tasks.ts'
import { migrations } from './migrations.ts'
import { roster } from './on-people-events.ts'
import { reassignTasks } from './reassign-tasks.ts'
import { verifyTasks } from './verify-tasks.ts'

export const taskTracker = defineService({
  name: 'task-tracker',
  contract,
  handlers: {
    createTask,
    completeTask,
    assignTasks,
    cancelReassignment,
    previewReassignment,
    getReassignment,
    listReassignments,
    getTasks,
    getTask,
    getTaskHistory,
    getHappenings,
    countGivenTasks,
    describeTasks,
    getRoster,
    verifyTasks,
  },
  consumers: [roster],
  jobs: [reassignTasks],
  migrations,
})
