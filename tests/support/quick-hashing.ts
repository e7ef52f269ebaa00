// Keeps passwords for tests that are not about how they are kept: a good hash takes a core for 60 ms, on purpose.
import { createHash } from 'node:crypto'
import type { Hashing } from '../../adapters/sign-in/better-auth.ts'

const digest = (password: string): string => createHash('sha256').update(password).digest('hex')

export const quickHashing: Hashing = {
  hash: async (password) => digest(password),
  verify: async ({ hash, password }) => hash === digest(password),
}
