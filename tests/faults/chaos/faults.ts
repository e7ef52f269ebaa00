// Everything that chaos does to aTES.
import { brokerFaults } from './broker-faults.ts'
import { databaseFaults } from './database-faults.ts'
import { eventFaults } from './event-faults.ts'
import type { Fault } from './fault.ts'
import { networkFaults } from './network-faults.ts'
import { processFaults } from './process-faults.ts'

export const faults: readonly Fault[] = [
  ...processFaults,
  ...brokerFaults,
  ...databaseFaults,
  ...networkFaults,
  ...eventFaults,
]
