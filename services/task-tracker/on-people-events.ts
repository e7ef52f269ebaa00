// Keeps who may be drawn, as identity says it.
import { lastPerKey } from '../../kernel/fold.ts'
import { type Consumer, on } from '../../kernel/service.ts'
import { identity } from '../identity/contract.ts'
import { forgetPopugs, savePopugs } from './store.ts'

const keepRoster = on('KeepRoster', [identity.popugRegistered, identity.popugChanged], async (events, { tx }) => {
  const people = events.map(({ data }) => data).toSorted((a, b) => a.version - b.version)
  await savePopugs(
    tx,
    lastPerKey(people, ({ popugId }) => popugId),
  )
})

export const roster: Consumer = {
  name: 'roster',
  stream: 'identity',
  subscriptions: [keepRoster],
  derived: [],
  otherHistory: { goesOn: 'from the beginning', forget: forgetPopugs },
}
