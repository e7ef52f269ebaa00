// The services, one line each.
import type { Service } from './kernel/service.ts'
import { accounting } from './services/accounting/service.ts'
import { identity, type IdentityParts } from './services/identity/service.ts'
import type { AlertParts } from './services/operations/alerts/loops.ts'
import { operations } from './services/operations/service.ts'
import { taskTracker } from './services/task-tracker/service.ts'

export interface ServiceParts {
  readonly timeZone: string
  /** Made only in the process that runs identity. */
  readonly identity: () => IdentityParts
  /** Made only in the process that runs operations. */
  readonly alerts: () => AlertParts
}

export const services = {
  identity: (parts: ServiceParts): Service => identity(parts.identity()),
  'task-tracker': (): Service => taskTracker,
  accounting: (parts: ServiceParts): Service => accounting(parts),
  operations: (parts: ServiceParts): Service => operations({ watched: Object.keys(services), alerts: parts.alerts() }),
} as const
