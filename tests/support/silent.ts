// A log that says nothing.
import type { Log } from '../../kernel/ports.ts'

const nothing = () => undefined
export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }
