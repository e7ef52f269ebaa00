// Delivering a range again from the log: a dry run says what would happen, and only then it is done.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import type { Form } from '../forms.ts'
import { CommandForm, Field } from '../look/fields.tsx'
import { Empty } from '../look/parts.tsx'
import type { Member } from '../visit.tsx'
import { consumerPath, redeliveryPath } from './operations-parts.tsx'

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

interface RangeProps {
  readonly visit: Member
  readonly action: string
  /** What stands there before anybody has written anything. */
  readonly usual: Range
  readonly error: string | undefined
  readonly form: Form | undefined
}

/** Asks what would happen. */
export const RangeForm = ({ visit, action, usual, error, form }: RangeProps) => {
  const { consumer: words } = visit.texts.operations
  const asked = (name: 'after' | 'upTo') => (error && form?.text(name)) || visit.query.get(name) || String(usual[name])
  return (
    <form method="get" action={action} class="range">
      <Field name="after" label={words.after} error={error}>
        {(attributes) => <input class="input" inputmode="numeric" value={asked('after')} {...attributes} />}
      </Field>
      <Field name="upTo" label={words.upTo}>
        {(attributes) => <input class="input" inputmode="numeric" value={asked('upTo')} {...attributes} />}
      </Field>
      <button class="btn">{words.plan}</button>
    </form>
  )
}

interface DeliveryProps extends Pick<RangeProps, 'visit' | 'error' | 'form'> {
  readonly consumer: Consumer
  readonly plan: Plan | null
  readonly mayAct: boolean
}

export const Delivery = ({ visit, consumer, plan, mayAct, error, form }: DeliveryProps) => {
  const { consumer: words } = visit.texts.operations
  const usual = { after: consumer.number, upTo: consumer.head ?? consumer.number }
  return (
    <section aria-labelledby="delivery">
      <h2 id="delivery">{words.delivery}</h2>
      <p class="muted">{words.deliveryHelp}</p>
      <RangeForm visit={visit} action={consumerPath(consumer)} usual={usual} error={error} form={form} />
      {plan && <PlanView visit={visit} consumer={consumer} plan={plan} mayAct={mayAct} />}
    </section>
  )
}

type PlanProps = Pick<DeliveryProps, 'visit' | 'consumer' | 'mayAct'> & { readonly plan: Plan }

const PlanView = ({ visit, consumer, plan, mayAct }: PlanProps) => {
  const { consumer: words } = visit.texts.operations
  const { number } = visit.formats
  if (plan.outcomes.every(({ count }) => count === 0)) return <Empty title={words.planNone} />
  return (
    <div class="plan" role="group" aria-labelledby="plan">
      <h3 id="plan">{words.planTitle}</h3>
      <p class="muted">{words.planRange(number(plan.after + 1), number(plan.upTo))}</p>
      <Outcomes visit={visit} outcomes={plan.outcomes} />
      {mayAct && (
        <CommandForm action={`${consumerPath(consumer)}/deliver`} class="acts after">
          <input type="hidden" name="after" value={plan.after} />
          <input type="hidden" name="upTo" value={plan.upTo} />
          <button class="btn btn-primary">{words.refetch}</button>
        </CommandForm>
      )}
      <p class="after">
        <a
          href={`${redeliveryPath(plan.stream)}?${new URLSearchParams({ after: `${plan.after}`, upTo: `${plan.upTo}` })}`}
        >
          {words.redeliveryPlan}
        </a>
      </p>
    </div>
  )
}

/** How many events would become what, and which. */
export const Outcomes = ({ visit, outcomes }: { visit: Member; outcomes: Plan['outcomes'] }) => {
  const { consumer: words, acts } = visit.texts.operations
  const { number } = visit.formats
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{words.outcome}</th>
          <th scope="col" class="count col-money">
            {acts.count}
          </th>
          <th scope="col">{words.numbers}</th>
        </tr>
      </thead>
      <tbody>
        {outcomes
          .filter(({ count }) => count > 0)
          .map(({ outcome, count, numbers }) => (
            <tr>
              <th scope="row">{words.outcomes[outcome]}</th>
              <td class="count" data-label={acts.count}>
                {number(count)}
              </td>
              <td data-label={words.numbers}>{shortList(numbers, count)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  )
}

const mostNumbers = 12

const shortList = (numbers: readonly number[], count: number): string =>
  numbers
    .slice(0, mostNumbers)
    .map((number) => `#${number}`)
    .join(', ') + (count > Math.min(numbers.length, mostNumbers) ? ' …' : '')
