// What was typed after `npm run ates -- events <command>`, as its command reads it before anything is done.

import { UsageError } from './complaints.ts'

export const options = {
  after: { type: 'string' },
  all: { type: 'boolean' },
  by: { type: 'string' },
  'dry-run': { type: 'boolean' },
  group: { type: 'string' },
  reason: { type: 'string' },
  state: { type: 'string' },
} as const

type Options = {
  readonly [Name in keyof typeof options]?:
    | ((typeof options)[Name]['type'] extends 'string' ? string : boolean)
    | undefined
}

export interface Given {
  readonly words: readonly string[]
  readonly options: Options
}

/** Refuses more words than these, and options that would be of no use. */
export const only = (
  { words, options: given }: Given,
  most: number,
  allowed: readonly (keyof Options)[] = [],
): void => {
  const more = words[most]
  if (more !== undefined) throw new UsageError(`${more} is one word too many`)
  const useless = Object.keys(given).find((name) => !(allowed as readonly string[]).includes(name))
  if (useless !== undefined) throw new UsageError(`--${useless} is of no use here`)
}

export const word = ({ words }: Given, index: number, what: string): string => {
  const found = words[index]
  if (found === undefined) throw new UsageError(`${what} is missing`)
  return found
}

export const number = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${text} is not the number of an event or an act`)
  return Number(text)
}

export const ofConsumer = (given: Given) => ({
  service: word(given, 0, 'a service'),
  consumer: word(given, 1, 'a consumer'),
})

export const reasonOf = ({ options: { reason } }: Given): string => {
  if (reason === undefined) throw new UsageError('--reason is missing: it is kept in the operator log')
  return reason
}

/** Some parked events by their numbers, or a whole group. */
export const selection = (given: Given) => {
  const { group } = given.options
  const numbers = given.words.slice(2).map(number)
  if ((group === undefined) === (numbers.length === 0)) throw new UsageError('either numbers or --group')
  return { ...ofConsumer(given), ...(group === undefined ? { numbers } : { fingerprint: group }) }
}

export const rangeFrom = (given: Given, first: number) => {
  const range = {
    after: number(word(given, first, 'after which number')),
    upTo: number(word(given, first + 1, 'up to which number')),
  }
  if (range.after >= range.upTo) throw new UsageError('the second number must be greater than the first')
  return range
}

const states = ['parked', 'discarded', 'applied'] as const

export const stateOf = ({ options: { state = 'parked' } }: Given): (typeof states)[number] => {
  const found = states.find((one) => one === state)
  if (!found) throw new UsageError(`--state is one of ${states.join(', ')}`)
  return found
}

const longestName = 100

/** As who acts calls themselves; null when they did not say it. */
export const byOf = ({ options: { by } }: Given): string | null => {
  if (by === undefined) return null
  const name = by.trim()
  if (name === '' || name.length > longestName) throw new UsageError(`--by is a name of 1 to ${longestName} characters`)
  return name
}
