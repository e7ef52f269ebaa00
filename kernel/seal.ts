// What an idempotency key keeps, so that only who has the key can read it: answers may hold links and sessions.
import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'
import type { Random } from './ports.ts'

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

const derive = (use: string, key: string): Buffer => createHmac('sha256', key).update(use).digest()

/** What stands for a key in the database. Keys are random, so that a plain hash is enough. */
export const keyHash = (key: string): string => createHash('sha256').update(key).digest('base64url')

/** Tells whether two inputs under one key are the same; without the key it tells nothing about them. */
export const inputHash = (key: string, input: unknown): string =>
  createHmac('sha256', derive('input', key)).update(JSON.stringify(input)).digest('base64url')

/** NIST SP 800-38D: a fresh 96-bit nonce, and a tag that refuses what was changed. */
export const seal = (key: string, value: unknown, random: Random): string => {
  const iv = createHash('sha256').update(random.uuid()).digest().subarray(0, ivBytes)
  const cipher = createCipheriv(algorithm, derive('answer', key), iv)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** Throws for what was not sealed with this key. */
export const unseal = (key: string, text: string): unknown => {
  const bytes = Buffer.from(text, 'base64')
  const decipher = createDecipheriv(algorithm, derive('answer', key), bytes.subarray(0, ivBytes))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  const value = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
  return JSON.parse(value.toString()) as unknown
}
