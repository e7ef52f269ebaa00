// The services, one line each.
import type { Service } from './kernel/service.ts'
import { accounting } from './services/accounting/service.ts'
import { identity, type IdentityParts } from './services/identity/service.ts'
import { taskTracker } from './services/task-tracker/service.ts'

export interface ServiceParts {
  readonly timeZone: string
  /** Made only in the process that runs identity. */
  readonly identity: () => IdentityParts
}

export const services = {
  identity: (parts: ServiceParts): Service => identity(parts.identity()),
  'task-tracker': (): Service => taskTracker,
  accounting: (parts: ServiceParts): Service => accounting(parts),
} as const
