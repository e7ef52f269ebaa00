// Keeps the names of people, as identity says them, for the operator log: who did something is told also when identity
// does not answer.
import { lastPerKey } from '../../kernel/fold.ts'
import { type Consumer, on } from '../../kernel/service.ts'
import { identity } from '../identity/contract.ts'
import { forgetNames, saveNames } from './store/people.ts'

const keepNames = on('KeepNames', [identity.popugRegistered, identity.popugChanged], async (events, { tx }) => {
  const people = events.map(({ data }) => data).toSorted((a, b) => a.version - b.version)
  await saveNames(
    tx,
    lastPerKey(people, ({ popugId }) => popugId),
  )
})

export const names: Consumer = {
  name: 'names',
  stream: 'identity',
  subscriptions: [keepNames],
  derived: [],
  otherHistory: { goesOn: 'from the beginning', forget: forgetNames },
}
