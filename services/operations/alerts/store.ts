// Every statement of alerts, each over a set.
import { sql } from 'kysely'
import type { Tx } from '../../../kernel/ports.ts'
import type { ChannelState } from './rules/conditions.ts'
import type { AlertState } from './rules/judge.ts'

/** Makes all who judge take turns; gives when the watcher last finished a round, null when it never did. */
export const lockRound = async (tx: Tx): Promise<Date | null> => {
  const { rows } = await sql<{ at: Date | null }>`select at from operations.alert_round for update`.execute(tx)
  return rows[0]?.at ?? null
}

export const findRound = async (tx: Tx): Promise<Date | null> => {
  const { rows } = await sql<{ at: Date | null }>`select at from operations.alert_round`.execute(tx)
  return rows[0]?.at ?? null
}

export const finishRound = async (tx: Tx, at: Date): Promise<void> => {
  await sql`update operations.alert_round set at = ${at}`.execute(tx)
}

/** What is seen now or was a moment ago, whether or not anybody was told. */
export const findAlerts = async (tx: Tx): Promise<AlertState[]> => {
  const { rows } = await sql<AlertState>`
    select name, about, service, since, held_ms as "heldMs", absent_ms as "absentMs", raised_at as "raisedAt",
      said_at as "saidAt", said_size as "saidSize", repeats, cleared_at as "clearedAt", details
    from operations.alert where cleared_at is null order by id`.execute(tx)
  return rows
}

const givenColumns = sql.raw(`(name text, about text, service text, since timestamptz, "heldMs" bigint,
  "absentMs" bigint, "raisedAt" timestamptz, "saidAt" timestamptz, "saidSize" bigint, repeats int,
  "clearedAt" timestamptz, details jsonb)`)

/** Keeps what changed of those that are open, and adds the others. Whoever calls it holds the round's lock. */
export const saveAlerts = async (tx: Tx, states: readonly AlertState[]): Promise<void> => {
  await sql`
    with given as (
      select g.name, g.about, g.service, g.since, g."heldMs", g."absentMs", g."raisedAt", g."saidAt", g."saidSize",
        g.repeats, g."clearedAt", g.details
      from jsonb_to_recordset(${JSON.stringify(states)}::jsonb) as g ${givenColumns}
    ), changed as (
      update operations.alert a
      set held_ms = g."heldMs", absent_ms = g."absentMs", raised_at = g."raisedAt", said_at = g."saidAt",
        said_size = g."saidSize", repeats = g.repeats, cleared_at = g."clearedAt", details = g.details
      from given g where a.name = g.name and a.about = g.about and a.cleared_at is null
      returning a.name, a.about
    )
    insert into operations.alert (name, about, service, since, held_ms, absent_ms, raised_at, said_at, said_size,
      repeats, cleared_at, details)
    select g.name, g.about, g.service, g.since, g."heldMs", g."absentMs", g."raisedAt", g."saidAt", g."saidSize",
      g.repeats, g."clearedAt", g.details
    from given g where not exists (select from changed c where c.name = g.name and c.about = g.about)
    order by g.name, g.about`.execute(tx)
}

/** Forgets conditions that nobody was told of. */
export const dropAlerts = async (tx: Tx, passed: readonly AlertState[]): Promise<void> => {
  await sql`
    delete from operations.alert a
    using unnest(${passed.map(({ name }) => name)}::text[], ${passed.map(({ about }) => about)}::text[]) as p(name, about)
    where a.name = p.name and a.about = p.about and a.raised_at is null`.execute(tx)
}

export interface NewDelivery {
  readonly channel: string
  readonly messageId: string
  readonly subject: string
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

/** In the order given. */
export const insertDeliveries = async (tx: Tx, deliveries: readonly NewDelivery[], at: Date): Promise<void> => {
  const placed = deliveries.map((delivery, place) => ({ ...delivery, place }))
  await sql`
    insert into operations.alert_delivery (channel, message_id, at, subject, text, body, next_try_at)
    select g.channel, g."messageId", ${at}, g.subject, g.text, g.body, ${at}
    from jsonb_to_recordset(${JSON.stringify(placed)}::jsonb)
      as g(channel text, "messageId" uuid, subject text, text text, body jsonb, place int)
    order by g.place`.execute(tx)
}

/** How each of these channels is: what waits behind the last message that it took, given up ones included. */
export const channelStates = async (tx: Tx, channels: readonly string[], now: Date): Promise<ChannelState[]> => {
  const { rows } = await sql<ChannelState>`
    select c.channel,
      coalesce(greatest(0, extract(epoch from ${now} - min(d.at)) * 1000), 0)::float8 as "failingMs",
      coalesce(max(d.tries), 0) as attempts, count(d.id)::int as waiting,
      (array_agg(d.error order by d.id) filter (where d.error is not null))[1] as error
    from unnest(${channels}::text[]) as c(channel)
    left join operations.alert_delivery d on d.channel = c.channel and d.delivered_at is null
      and d.id > coalesce((select max(l.id) from operations.alert_delivery l
        where l.channel = c.channel and l.delivered_at is not null), 0)
    group by c.channel order by c.channel`.execute(tx)
  return rows
}

export interface Claimed {
  readonly id: number
  readonly tries: number
  readonly messageId: string
  readonly at: Date
  readonly subject: string
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

export interface Claim {
  readonly now: Date
  readonly until: Date
  /** No try is put off beyond this: what is, was written before the clock was set back. */
  readonly latest: Date
}

/** Takes the first message that waits for each channel, when its time has come and nobody else is at it. */
export const claimDeliveries = async (
  tx: Tx,
  channels: readonly string[],
  { now, until, latest }: Claim,
): Promise<Claimed[]> => {
  const { rows } = await sql<Claimed>`
    update operations.alert_delivery d set tries = d.tries + 1, claimed_until = ${until}
    from unnest(${channels}::text[]) as c(channel)
    cross join lateral (
      select w.id from operations.alert_delivery w
      where w.channel = c.channel and w.delivered_at is null and w.given_up_at is null
      order by w.id limit 1 for update) as f
    where d.id = f.id and (d.next_try_at <= ${now} or d.next_try_at > ${latest})
      and (d.claimed_until is null or d.claimed_until <= ${now} or d.claimed_until > ${until})
    returning d.id, d.tries, d.message_id as "messageId", d.at, d.subject, d.text, d.body`.execute(tx)
  return rows
}

/** Only a try that nobody has taken over counts. */
export const markDelivered = async (tx: Tx, tried: readonly Pick<Claimed, 'id' | 'tries'>[], now: Date) => {
  await sql`
    update operations.alert_delivery d set delivered_at = ${now}, claimed_until = null, error = null
    from unnest(${tried.map(({ id }) => id)}::bigint[], ${tried.map(({ tries }) => tries)}::int[]) as t(id, tries)
    where d.id = t.id and d.tries = t.tries`.execute(tx)
}

export interface Failed extends Pick<Claimed, 'id' | 'tries'> {
  readonly error: string
  readonly nextTryAt: Date
  readonly givenUp: boolean
}

export const markFailed = async (tx: Tx, failed: readonly Failed[], now: Date): Promise<void> => {
  await sql`
    update operations.alert_delivery d
    set error = t.error, next_try_at = t."nextTryAt", claimed_until = null,
      given_up_at = case when t."givenUp" then ${now}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(failed)}::jsonb)
      as t(id bigint, tries int, error text, "nextTryAt" timestamptz, "givenUp" boolean)
    where d.id = t.id and d.tries = t.tries`.execute(tx)
}

/** What was said and what is over is kept for some time, for whoever asks what happened. */
export const forgetDeliveries = async (tx: Tx, before: Date): Promise<void> => {
  await sql`
    delete from operations.alert_delivery d
    where coalesce(d.delivered_at, d.given_up_at) < ${before}
      and d.id < (select max(l.id) from operations.alert_delivery l where l.channel = d.channel)`.execute(tx)
}

export const forgetAlerts = async (tx: Tx, before: Date): Promise<void> => {
  await sql`delete from operations.alert where cleared_at < ${before}`.execute(tx)
}

export const countRaised = async (tx: Tx): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from operations.alert where raised_at is not null and cleared_at is null`.execute(tx)
  return rows[0]?.count ?? 0
}

export interface AlertRow extends AlertState {
  readonly id: number
}

/** Newest first, those with an id below `before`; of those that people were told of. */
export const listAlerts = async (
  tx: Tx,
  { open, before, limit }: { open: boolean; before: number; limit: number },
): Promise<AlertRow[]> => {
  // Those that are open are few among all that ever were, and have an index.
  const wanted = open ? sql`and cleared_at is null` : sql``
  const { rows } = await sql<AlertRow>`
    select id, name, about, service, since, held_ms as "heldMs", absent_ms as "absentMs", raised_at as "raisedAt",
      said_at as "saidAt", said_size as "saidSize", repeats, cleared_at as "clearedAt", details
    from operations.alert
    where raised_at is not null and id < ${before}::bigint ${wanted}
    order by id desc limit ${limit}`.execute(tx)
  return rows
}
