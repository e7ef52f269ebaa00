// Calls services of this process directly, and everything else by the other transport.
import type { Execute } from '../../kernel/execute.ts'
import type { Transport } from '../../kernel/ports.ts'
import { Fault } from '../../kernel/result.ts'

const nowhere: Transport = {
  call: ({ service }) => Promise.reject(new Fault('unavailable', `no service ${service} here and no address of it`)),
}

export const localTransport = (local: ReadonlyMap<string, Execute>, others: Transport = nowhere): Transport => ({
  call: (call) => local.get(call.service)?.(call) ?? others.call(call),
})
