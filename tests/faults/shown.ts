// What a process says of events that were lost on their way: that they are missing, and that the log had them.
import type { ApplicationProcess } from './application-process.ts'
import { sumOf } from './metrics.ts'

const ledger = { consumer: 'ledger', stream: 'task-tracker' }

const read = async (process: ApplicationProcess, name: string, labels: Readonly<Record<string, string>>) =>
  sumOf(await process.metrics(), name, labels)

/** Events that its ledger had to read from the task tracker's log. */
export const fetchedBy = (process: ApplicationProcess): Promise<number> =>
  read(process, 'ates_consumer_fetched_events_total', ledger)

/** For how long events of the task tracker have not been said on the bus. */
export const unpublishedSeconds = (process: ApplicationProcess): Promise<number> =>
  read(process, 'ates_stream_unpublished_seconds', { service: 'task-tracker' })

/** Whether this consumer is said to stand still because its producer has another history. */
export const isForkShown = async (process: ApplicationProcess, consumer: string): Promise<boolean> =>
  (await read(process, 'ates_consumer_stopped', { consumer, state: 'forked' })) === 1

/** Calls of this method whose outcome the caller does not know. */
export const faultsOf = (process: ApplicationProcess, method: string): Promise<number> =>
  read(process, 'ates_call_seconds_count', { method, outcome: 'fault' })
