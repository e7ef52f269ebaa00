// Posts messages as JSON to an address, signed as https://www.standardwebhooks.com says, and asks addresses to listen.
import { createHmac } from 'node:crypto'
import type { Channel } from '../../kernel/ports.ts'

export interface WebhookOptions {
  readonly url: string
  /** `whsec_` and the key in base64; without it nothing is signed. */
  readonly secret?: string | undefined
  /** How long one try may take in all; 10,000 ms when not given. */
  readonly timeoutMs?: number
}

const timeoutMs = 10_000

/** The key that a secret stands for. Null when it is none: 24 to 64 bytes in base64 behind `whsec_`. */
export const keyOf = (secret: string): Buffer | null => {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1]
  const key = Buffer.from(encoded ?? '', 'base64')
  return key.length >= 24 && key.length <= 64 ? key : null
}

const signature = (secret: string, id: string, seconds: number, body: string): string => {
  const key = keyOf(secret)
  if (key === null) throw new Error('the secret of the webhook is not whsec_ and base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

/** Throws unless the answer is one of success: a redirection is not followed, for what is signed is meant for this address. */
const ask = async (url: string, request: RequestInit, waitMs: number): Promise<void> => {
  const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(waitMs) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`it answered ${response.status}`)
}

/** Takes a message when the address answers with success. The id stays the same in all tries; the time does not. */
export const webhook = ({ url, secret, timeoutMs: waitMs = timeoutMs }: WebhookOptions): Channel => ({
  name: 'webhook',
  send: ({ id, body }) => {
    const text = JSON.stringify({ id, ...body })
    const seconds = Math.floor(Date.now() / 1_000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'aTES',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      ...(secret === undefined ? {} : { 'webhook-signature': signature(secret, id, seconds, text) }),
    }
    return ask(url, { method: 'POST', headers, body: text }, waitMs)
  },
})

/** Asks for an address, for a service that raises the alarm when nobody does. Throws unless the answer is success. */
export const heartbeat = (url: string) => (): Promise<void> =>
  ask(url, { headers: { 'user-agent': 'aTES' } }, timeoutMs)
