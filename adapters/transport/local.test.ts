// Calls inside one process.
import { caller } from '../../kernel/caller.ts'
import { transportConformance } from './conformance.ts'
import { localTransport } from './local.ts'

transportConformance('in one process', ({ host }) =>
  Promise.resolve({ call: caller(localTransport(host.local)), end: () => Promise.resolve() }),
)
