// What happened to accounts and sessions, for administrators to read: who came in, who tried, who changed what.
import type { Client } from '../../kernel/ports.ts'
import { numberInMark, pageMarkOf, pageOf } from '../../kernel/page.ts'
import { ok } from '../../kernel/result.ts'
import type { Handler } from '../../kernel/service.ts'
import { identity } from './contract.ts'
import { type Person, type SecurityEvent, type SecurityEventKind } from './rules.ts'
import { listSecurityEvents } from './store.ts'

/** Nobody names an address: an act of an administrator, or a request that did not say where it came from. */
export const nowhere: Client = { address: '', userAgent: '' }

export const securityEvent = (
  kind: SecurityEventKind,
  person: Pick<Person, 'popugId' | 'email'> | null,
  {
    at,
    actor = null,
    client = nowhere,
    email,
  }: { at: Date; actor?: number | null; client?: Client | undefined; email?: string },
): SecurityEvent => ({
  kind,
  at,
  popugId: person?.popugId ?? null,
  email: person?.email ?? email ?? '',
  actor,
  address: client.address.slice(0, 100),
  userAgent: client.userAgent.slice(0, 300),
})

export const getSecurityEvents: Handler<typeof identity.getSecurityEvents> = async (
  { popugId, after, limit },
  { tx },
) => {
  const before = numberInMark(after, 0, Number.MAX_SAFE_INTEGER)
  const found = await listSecurityEvents(tx, popugId ?? null, before, limit + 1)
  const { page, next } = pageOf(found, limit, ({ id }) => pageMarkOf(id))
  return ok({ events: page.map((event) => ({ ...event, at: event.at.toISOString() })), next })
}
