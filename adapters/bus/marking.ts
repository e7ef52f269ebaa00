// How a reader knows that events were said by one of us, and not by somebody else who can write to the broker: a mark
// under a key that all processes have (HMAC with SHA-256: RFC 2104).
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { JWK } from 'jose'

export interface Marks {
  readonly of: (message: string) => string
  readonly isOurs: (message: string, mark: string) => boolean
}

/** The name of the header in which a message has its mark. */
export const markHeader = 'ates-mark'

const keyBytes = 32

/** The key is made of the one that signs tokens, so that there is none more to hand out; neither tells the other. */
export const marksBy = ({ d }: JWK): Marks => {
  if (!d) throw new Error('the token key is not a private one')
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'ates bus', keyBytes))
  const digest = (message: string) => createHmac('sha256', key).update(message).digest()
  return {
    of: (message) => digest(message).toString('base64url'),
    isOurs: (message, mark) => {
      const given = Buffer.from(mark, 'base64url')
      return given.length === keyBytes && timingSafeEqual(given, digest(message))
    },
  }
}
