// The alerts that are raised, as the page shows them.
import { must } from '../../../kernel/result.ts'
import type { ServiceGround } from '../grounds.ts'
import type { Deployment } from './deployment.ts'

export const raised = async (deployment: Deployment<ServiceGround>): Promise<string[]> => {
  const asked = { service: 'operations', method: 'ListAlerts', input: {}, requestId: 'alerts' }
  const listed = must(await deployment.call({ ...asked, actor: { id: 1, role: 'manager' } }))
  const { alerts } = listed as { alerts: readonly { name: string; about: string }[] }
  return alerts.map(({ name, about }) => `${name}, ${about}`)
}
