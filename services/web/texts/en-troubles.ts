// English texts of what goes wrong within services: why something failed, which part it was, why a consumer stopped, and
// what a difference of reconciliation is about.
import { pluralizer } from './plural.ts'

const counted = pluralizer('en')
const number = (digits: string): string => `#${Number(digits).toLocaleString('en')}`

export const troubles = {
  failures: {
    noAnswer: 'no answer',
    late: 'no answer came in time',
    unreachable: 'no connection can be made',
    broken: 'the connection failed',
    answered: (status: string, code: string) => `the answer was ${status} ${code}`,
    somebodyElse: (status: string) => `somebody else answered in its place, with ${status}`,
    noContract: (service: string) => `the API description of ${service} cannot be read`,
    contractLate: (service: string) => `the API description of ${service} did not come in time`,
    noAddress: (service: string) => `the address of ${service} is not set`,
    cutOff: 'calls are cut off for a while, because too many failed',
    clocksDiffer: (seconds: string) => `the clocks of the two machines differ by ${seconds} s`,
    tooMany: 'too many calls are under way',
    refused: (code: string) => `the call was refused: ${code}`,
    failed: (name: string) => `${name} failed`,
    tooLong: (name: string) => `${name} took too long`,
    databaseSilent: (name: string) => `the database does not answer, asked by ${name}`,
    commitLost: (name: string, why: string) => `the database’s answer to saving ${name} was lost: ${why}`,
    brokerTookNone: 'the broker did not take the events',
    brokerTookNoHead: 'the broker did not take the head of the stream',
    brokerUnreachable: 'the broker cannot be reached',
    brokerSilent: 'the broker does not answer',
    brokerLost: 'the connection to the broker was lost',
    noJetStream: 'JetStream does not answer; perhaps the broker was started without -js',
    busClosed: 'the bus is closed',
  },
  stuck: (span: string) => `the present pass has been under way for ${span}`,
  noRound: (span: string) => `no round for ${span}`,
  stopping: 'it is about to stop',

  parts: {
    relay: (stream: string) => `publishing the events of ${stream}`,
    consumer: (name: string, stream: string) => `consumer ${name}, stream ${stream}`,
    job: (name: string, service: string) => `job ${name} of ${service}`,
    oldKeys: (service: string) => `deleting old idempotency keys of ${service}`,
    watcher: 'the watcher',
    thisProcess: 'the process itself',
    guard: 'the guard of the watcher',
    signOfLife: 'sending the sign of life',
    acts: 'acts of the operator log',
    forks: 'finding where histories part',
    reconciliation: 'reconciliation',
    alerts: (channel: string) => `sending alerts by ${channel}`,
    oldAlerts: 'deleting old alerts',
  },

  stops: {
    otherEvent: (at: string, was: string, now: string) =>
      `event ${number(at)} was applied as ${was}, and in the producer’s log it is ${now} now`,
    olderEpoch: (theirs: string, applied: string) =>
      `the producer’s log is of epoch ${theirs}, though epoch ${applied} has been applied`,
    emptyLog: (applied: string) => `the producer’s log is empty, though event ${number(applied)} has been applied`,
    shorterLog: (head: string, applied: string) =>
      `the producer’s log ends at event ${number(head)}, though event ${number(applied)} has been applied`,
    parkedInRow: (count: string) =>
      `more than ${counted(Number(count), { one: 'event was', other: 'events were' })} set aside in a row`,
  },

  places: {
    ledger: 'the ledger',
    companyAccount: 'account of the company',
    popugAccount: (popugId: string) => `account of popug #${popugId}`,
    task: (taskId: string) => `task #${taskId}`,
    event: (stream: string, at: string) => `event ${number(at)} of ${stream}`,
    eventOfEpoch: (stream: string, at: string, epoch: string) => `event ${number(at)} of ${stream} in epoch ${epoch}`,
    fee: (taskId: string) => `fee of task #${taskId}`,
    reward: (taskId: string) => `reward of task #${taskId}`,
    feeOfAssignment: (taskId: string, assignment: string) => `fee of task #${taskId}, assignment ${assignment}`,
  },

  /** By the rule that does not hold, in the words of those who check it. */
  checks: {
    'balance is the sum of its postings': 'the balance is not the sum of its entries',
    'all balances sum to zero': 'the balances do not sum to zero',
    'sum of a day is the sum of its postings': 'the sums of the day are not those of its entries',
    'amount is the kept price': 'the amount is not the price that was kept',
    'fees go to the company and rewards to the popug': 'the entry is between the wrong accounts',
    'one fee per assignment and one reward per task': 'there is more than one such entry',
    'day is the one open when the event was applied':
      'the entry is for another day than was open when the event was applied',
    'postings are of applied events': 'there is an entry, though the event has not been applied',
    'the event is in the history of its stream': 'the present history of the stream does not have this event',
    'a task is as its events tell': 'the task is not as its events tell',
    'an event is of a task': 'there is no such task, or the event names another one',
  },
}
