// A posting of an event that a restored history lost is a difference for a person, and no ledger out of balance.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { must } from '../../kernel/result.ts'
import { asService, startSystem } from '../../tests/support/system.ts'
import { operations } from './contract.ts'

test('only what is wrong with its sums makes a ledger unbalanced', async () => {
  await using system = await startSystem({ loops: false })
  const find = (about: string, what: string) =>
    system.database.query(
      `insert into operations.difference (name, about, what, since, seen_at) values ('ledger', $1, $2, now(), now())`,
      [about, what],
    )
  const seen = async () => must(await system.call(operations.getAlarm, {}, asService)).reconciliation
  await find('task-tracker #7 of epoch 1', 'extra')
  assert.equal((await seen()).ledgerUnbalanced, false)
  await find('popug:3', 'different')
  assert.equal((await seen()).ledgerUnbalanced, true)
})
