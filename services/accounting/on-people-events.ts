// Keeps the names of account holders, as identity says them. Accounts themselves never wait for identity.
import { lastPerKey } from '../../kernel/fold.ts'
import { type Consumer, on } from '../../kernel/service.ts'
import { identity } from '../identity/contract.ts'
import { forgetHolders, saveHolders } from './store.ts'

const keepHolders = on('KeepHolders', [identity.popugRegistered, identity.popugChanged], async (events, { tx }) => {
  const people = events.map(({ data }) => data).toSorted((a, b) => a.version - b.version)
  await saveHolders(
    tx,
    lastPerKey(people, ({ popugId }) => popugId),
  )
})

export const holders: Consumer = {
  name: 'holders',
  stream: 'identity',
  subscriptions: [keepHolders],
  derived: [],
  otherHistory: { goesOn: 'from the beginning', forget: forgetHolders },
}
