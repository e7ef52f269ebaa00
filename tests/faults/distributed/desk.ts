// People who reach aTES through its web processes, with sessions of their own.
import type { ServiceGround } from '../grounds.ts'
import { CrowdPeople } from '../crowd-people.ts'
import type { Desk } from '../stage.ts'
import type { Deployment } from './deployment.ts'

export interface CrowdDesk extends Desk {
  /** Whether all that an administrator looks at is answered. */
  look(): Promise<boolean>
}

/** The first administrator, and people whom they invite; the stage knows the latter as those who send commands. */
export const openDesk = async (
  deployment: Deployment<ServiceGround>,
  ...roles: readonly string[]
): Promise<CrowdDesk> => {
  const { stage } = deployment
  const portNow = () => {
    const alive = deployment.of('web').filter(({ isAlive }) => isAlive)
    return alive.length === 0 ? 0 : stage.clients.pick(alive).process.port
  }
  const crowd = new CrowdPeople(() => `http://127.0.0.1:${portNow()}`)
  const { token } = (await stage.operate(deployment, 'identity', 'IssueFirstAdministratorLink', {})) as {
    token: string
  }
  await crowd.beginWith(`http://127.0.0.1/first-run?token=${token}`)
  for (const role of roles) await crowd.invite(role)
  stage.people.push(...crowd.people)
  await stage.settled()
  return { order: (order) => crowd.send(order), look: () => crowd.look() }
}
