// The act that lets a forked consumer go on with its producer's present history. What is to be done is looked at first
// and saved, so that after a crash it can be told whether it was done.
import { z } from 'zod'
import { acceptOtherHistory } from '../../../kernel/accept-history.ts'
import { isRefusal, must } from '../../../kernel/result.ts'
import { standardContract } from '../../../kernel/standard.ts'
import type { ActRow } from '../store/acts.ts'
import { behalfOf, mustOf, type Step, stepped, type Stepping } from './step.ts'

const Input = z.object({ after: z.int() })
const Progress = z.object({ epoch: z.int() })

export const acceptAct: Step = async (act, { call }) => {
  const wanted = {
    service: act.service ?? '',
    consumer: act.consumer ?? '',
    after: Input.parse(act.input).after,
    reason: act.reason ?? '',
  }
  if (act.progress === null) {
    const { epoch } = mustOf(await acceptOtherHistory(call, { ...wanted, dryRun: true }, behalfOf(act)))
    return stepped(act, [], { progress: { epoch }, ended: false, total: 1 })
  }
  const { epoch } = Progress.parse(act.progress)
  const accepted = await acceptOtherHistory(call, { ...wanted, dryRun: false }, behalfOf(act))
  const before = isRefusal(accepted) && accepted.refused === 'not_forked' && (await epochOf(act, call)) >= epoch
  if (!before) mustOf(accepted)
  return stepped(act, [{ what: 'accepted' }], { progress: act.progress, ended: true })
}

const epochOf = async (act: ActRow, call: Stepping['call']): Promise<number> => {
  const { positions } = must(await call(standardContract(act.service ?? '').getState, {}, behalfOf(act)))
  return positions.find(({ consumer }) => consumer === act.consumer)?.epoch ?? 0
}
