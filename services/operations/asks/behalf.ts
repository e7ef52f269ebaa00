// Who asks other services, and in whose name: this service, for the person whose number it names.
import type { Behalf } from '../../../kernel/caller.ts'
import { type Actor, serviceRole } from '../../../kernel/contract.ts'

/** The other service learns who decided, and trusts us that they may. */
export const asService = ({ actor, requestId }: { readonly actor: Actor; readonly requestId: string }): Behalf => ({
  actor: { id: actor.id, role: serviceRole },
  requestId,
})
