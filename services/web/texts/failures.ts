// Why something failed and which part of a service it was, in the reader's words. Faults that are made in fixed words have
// some here; what a program said, such as PostgreSQL or Node, stays as it came: in English.
import type { Formats } from '../format.ts'
import type { Texts } from './en.ts'
import { inWords, type Saying, sayingsOf, wordsFor } from './sayings.ts'

const faults = sayingsOf(
  ({ operations }) => operations.troubles.failures,
  [
    [/^no answer$/, 'noAnswer'],
    [
      /^Fault: (?:The operation was aborted due to timeout|waited until the deadline|no time left (?:to call|to begin|after a probe))$/,
      'late',
    ],
    [/^TimeoutError: /, 'late'],
    [/^Fault: (?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/, 'unreachable'],
    [/^Fault: (?:E[A-Z]+|UND_ERR_[A-Z_]+)$/, 'broken'],
    [/^Fault: the service answered (\d+) (\w+)$/, 'answered'],
    [/^Fault: (\d+), but not from the service$/, 'somebodyElse'],
    [/^Fault: (\S+) does not publish its contract$/, 'noContract'],
    [/^Fault: (\S+) did not publish its contract in time$/, 'contractLate'],
    [/^Fault: no address of (\S+)$/, 'noAddress'],
    [/^Fault: no service (\S+) here and no address of it$/, 'noAddress'],
    [/^Fault: the circuit breaker is open$/, 'cutOff'],
    [/^Fault: the service refuses what this process signs: clocks differ by (\d+) s, .*$/, 'clocksDiffer'],
    [/^Fault: too many calls in progress$/, 'tooMany'],
    [/^Fault: unexpected refusal (\w+)$/, 'refused'],
    [/^Fault: (\S+) failed$/, 'failed'],
    [/^Fault: (\S+) took too long$/, 'tooLong'],
    [/^Fault: (\S+): the database does not answer$/, 'databaseSilent'],
    [/^Fault: the answer to the commit of (\S+) was lost: (.*)$/s, 'commitLost'],
    [/^Fault: the broker did not take events$/, 'brokerTookNone'],
    [/^Fault: the broker did not take a head$/, 'brokerTookNoHead'],
    [/^Fault: the broker cannot be reached$/, 'brokerUnreachable'],
    [/^Fault: the broker does not answer$/, 'brokerSilent'],
    [/^Fault: the connection to the broker was lost$/, 'brokerLost'],
    [/^Fault: no JetStream answers: is the broker started with -js\?$/, 'noJetStream'],
    [/^Fault: the bus is closed$/, 'busClosed'],
  ],
)

/** True of a cause that says no more than what it is the cause of. */
const repeats = (cause: string, said: string): boolean =>
  /^(?:TypeError: fetch failed|\[object Object\])$/.test(cause) ||
  cause.endsWith(said.replace(/^Fault: /, '')) ||
  said.endsWith(cause)

/** Why something failed, with its causes; the first that has no words, and all behind it, stay as they came. */
export const failureText = (texts: Texts, given: string): string => {
  const causes = given.split(' <- ')
  const words = causes.map((cause, at) =>
    at > 0 && repeats(cause, causes[at - 1] ?? '') ? '' : wordsFor(faults, texts, cause),
  )
  const end = words.includes(null) ? words.indexOf(null) : causes.length
  if (end === 0) return given
  const said = new Set([...words.slice(0, end), causes.slice(end).join(' <- ')])
  said.delete('')
  return [...said].join(': ')
}

/** What is wrong with a part of a service. */
export const troubleText = (texts: Texts, trouble: string, seconds: Formats['seconds']): string => {
  const stuck: Saying = [
    /^a pass has been running for (\d+) s$/,
    ({ operations }, span) => operations.troubles.stuck(seconds(Number(span))),
  ]
  const unseen: Saying = [
    /^no round for (\d+) s(?:: (.*))?$/s,
    ({ operations }, span, why = '') =>
      [operations.troubles.noRound(seconds(Number(span))), faultText(texts, why)]
        .filter((part) => part !== '')
        .join(': '),
  ]
  const stopping: Saying = [/^it is about to stop$/, ({ operations }) => operations.troubles.stopping]
  return wordsFor([stuck, unseen, stopping], texts, trouble) ?? failureText(texts, trouble)
}

/** What a fault says, where its name is left out. */
const faultText = (texts: Texts, why: string): string => {
  const said = failureText(texts, `Fault: ${why}`)
  return said === `Fault: ${why}` ? why : said
}

const parts = sayingsOf(
  ({ operations }) => operations.troubles.parts,
  [
    [/^relay (\S+)$/, 'relay'],
    [/^consumer (\S+) of (\S+)$/, 'consumer'],
    [/^job (\S+) of (\S+)$/, 'job'],
    [/^old keys of (\S+)$/, 'oldKeys'],
    [/^(?:the )?watcher$/, 'watcher'],
    [/^this process$/, 'thisProcess'],
    [/^guard of the watcher$/, 'guard'],
    [/^sign of life$/, 'signOfLife'],
    [/^acts$/, 'acts'],
    [/^forks$/, 'forks'],
    [/^reconciliation$/, 'reconciliation'],
    [/^alerts by (\S+)$/, 'alerts'],
    [/^old alerts$/, 'oldAlerts'],
  ],
)

/** The name of a part of a service. */
export const partText = (texts: Texts, part: string): string => inWords(parts, texts, part)
