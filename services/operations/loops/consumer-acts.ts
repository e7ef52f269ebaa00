// Acts on a consumer as a whole: it is stopped, and let go on.
import { standardContract } from '../../../kernel/standard.ts'
import { behalfOf, mustOf, type Step, stepped } from './step.ts'

const stateAct =
  (state: 'paused' | 'running'): Step =>
  async (act, { call }) => {
    const { setConsumerState } = standardContract(act.service ?? '')
    const input = { consumer: act.consumer ?? '', state, reason: act.reason ?? '' }
    mustOf(await call(setConsumerState, input, behalfOf(act, state)))
    return stepped(act, [{ what: state }], { progress: null, ended: true, total: 1 })
  }

export const pauseAct = stateAct('paused')
export const resumeAct = stateAct('running')
