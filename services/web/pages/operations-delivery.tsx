// Delivering a range again: a dry run says what would happen, and only then it is done, from the log or on the bus.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import type { Form } from '../forms.ts'
import { CommandForm, Field } from '../look/fields.tsx'
import { Empty } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'
import { consumerPath } from './operations-parts.tsx'

export type Plan = z.output<typeof operations.planDelivery.output>
type Consumer = z.output<typeof operations.getOverview.output>['consumers'][number]

export interface Range {
  readonly after: number
  readonly upTo: number
}

/** Two numbers, the second greater; null for anything else. */
export const rangeIn = (text: (name: 'after' | 'upTo') => string): Range | null => {
  const [after, upTo] = [text('after').trim(), text('upTo').trim()].map((digits) =>
    /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN,
  )
  return after !== undefined && upTo !== undefined && after < upTo ? { after, upTo } : null
}

interface DeliveryProps {
  readonly visit: Member
  readonly consumer: Consumer
  readonly plan: Plan | null
  readonly mayAct: boolean
  readonly error: string | undefined
  readonly form: Form | undefined
}

export const Delivery = ({ visit, consumer, plan, mayAct, error, form }: DeliveryProps) => {
  const { consumer: words } = visit.texts.operations
  const asked = (name: 'after' | 'upTo', otherwise: number) =>
    (error && form?.text(name)) || visit.query.get(name) || String(otherwise)
  return (
    <section aria-labelledby="delivery">
      <h2 id="delivery">{words.delivery}</h2>
      <p class="muted">{words.deliveryHelp}</p>
      <form method="get" action={consumerPath(consumer)} class="range">
        <Field name="after" label={words.after} error={error}>
          {(attributes) => (
            <input class="input" inputmode="numeric" value={asked('after', consumer.number)} {...attributes} />
          )}
        </Field>
        <Field name="upTo" label={words.upTo}>
          {(attributes) => (
            <input
              class="input"
              inputmode="numeric"
              value={asked('upTo', consumer.head ?? consumer.number)}
              {...attributes}
            />
          )}
        </Field>
        <button class="btn">{words.plan}</button>
      </form>
      {plan && <PlanView visit={visit} consumer={consumer} plan={plan} mayAct={mayAct} />}
    </section>
  )
}

type PlanProps = Pick<DeliveryProps, 'visit' | 'consumer' | 'mayAct'> & { readonly plan: Plan }

const PlanView = ({ visit, consumer, plan, mayAct }: PlanProps) => {
  const { consumer: words } = visit.texts.operations
  const { number } = visit.formats
  const outcomes = plan.outcomes.filter(({ count }) => count > 0)
  if (outcomes.length === 0) return <Empty title={words.planNone} />
  return (
    <div class="plan" role="group" aria-labelledby="plan">
      <h3 id="plan">{words.planTitle}</h3>
      <p class="muted">{words.planRange(number(plan.after + 1), number(plan.upTo))}</p>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{words.outcome}</th>
            <th scope="col" class="count col-money">
              {visit.texts.operations.acts.count}
            </th>
            <th scope="col">{words.numbers}</th>
          </tr>
        </thead>
        <tbody>
          {outcomes.map(({ outcome, count, numbers }) => (
            <tr>
              <th scope="row">{words.outcomes[outcome]}</th>
              <td class="count" data-label={visit.texts.operations.acts.count}>
                {number(count)}
              </td>
              <td data-label={words.numbers}>{shortList(numbers, count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {mayAct && (
        <CommandForm action={`${consumerPath(consumer)}/deliver`} class="acts after">
          <input type="hidden" name="after" value={plan.after} />
          <input type="hidden" name="upTo" value={plan.upTo} />
          <button name="do" value="refetch" class="btn btn-primary">
            {words.refetch}
          </button>
          <button name="do" value="redeliver" class="btn" aria-describedby="redeliver-help">
            {words.redeliver}
          </button>
          <span id="redeliver-help" class="muted">
            {words.redeliverHelp}
          </span>
        </CommandForm>
      )}
    </div>
  )
}

const mostNumbers = 12

const shortList = (numbers: readonly number[], count: number): string =>
  numbers
    .slice(0, mostNumbers)
    .map((number) => `#${number}`)
    .join(', ') + (count > Math.min(numbers.length, mostNumbers) ? ' …' : '')
