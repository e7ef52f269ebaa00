// The independent audit: says what is wrong with the databases of aTES, given what clients sent. It shares nothing with
// the product but the database connection, so that a mistake of the product cannot hide itself here.
import type pg from 'pg'
import { checkCommands } from './audit/commands.ts'
import { readFacts, type Facts } from './audit/facts.ts'
import { checkJobs } from './audit/jobs.ts'
import { checkLedger } from './audit/ledger.ts'
import { checkStreams } from './audit/streams.ts'
import { checkTasks } from './audit/tasks.ts'

export type CommandName = 'CreateTask' | 'CompleteTask' | 'AssignTasks' | 'CancelReassignment' | 'InvitePerson'

/** What a client learned: an answer, a final no, or nothing. */
export type Learned =
  | { readonly acknowledged: Readonly<Record<string, unknown>> }
  | { readonly refused: string; readonly detail?: Readonly<Record<string, unknown>> }
  | { readonly unknown: string }

/** One attempt of a client to have a command done. */
export interface Attempt {
  /** The command's id, the same in each attempt at it; sent as request id, and as idempotency key where it has one. */
  readonly request: string
  readonly command: CommandName
  readonly actor: number
  readonly input: Readonly<Record<string, unknown>>
  readonly learned: Learned
  /** Places in the journal's own order of what was sent and what came back. */
  readonly sent: number
  readonly answered: number
}

/** What a test did on purpose and the audit must not take for a fault. */
export interface Expected {
  /** Operations was never started here. */
  readonly unwatched?: boolean
  /** Numbers of events of the task tracker that the ledger cannot apply: parked or discarded there, and told by nobody. */
  readonly parked?: readonly number[]
  /** Numbers of events of the task tracker that were told by nobody and must have had no effect. */
  readonly ignored?: readonly number[]
  /** What is left of a history of the task tracker that a restore has undone. */
  readonly lost?: {
    /** Ids of events that no log has any more; their postings stay. */
    readonly eventIds: readonly string[]
    /** Numbers of events of the living history that contradict such a posting: parked until a person decides. */
    readonly contradicting: readonly number[]
  }
}

export interface Finding {
  readonly what: string
  readonly where: string
  readonly expected: string
  readonly found: string
}

export type Check = (facts: Facts, journal: readonly Attempt[], expected: Expected) => Finding[]

const checks: readonly Check[] = [checkStreams, checkCommands, checkTasks, checkJobs, checkLedger]

/** What is wrong with what was read. */
export const findingsIn: Check = (facts, journal, expected) =>
  checks.flatMap((check) => check(facts, journal, expected))

/** Looks at one moment of a database at rest, as a superuser. Nothing found means that nothing was lost or done twice. */
export const audit = async (
  client: Pick<pg.Client, 'query'>,
  journal: readonly Attempt[],
  expected: Expected = {},
): Promise<Finding[]> => {
  await client.query('begin isolation level repeatable read read only')
  try {
    return findingsIn(await readFacts(client), journal, expected)
  } finally {
    await client.query('commit')
  }
}
