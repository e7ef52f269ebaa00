// Chance, from the system's source.
import { randomInt, randomUUID } from 'node:crypto'
import type { Random } from '../kernel/ports.ts'

export const systemRandom: Random = {
  integer: (from, to) => randomInt(from, to + 1),
  uuid: () => randomUUID(),
}
