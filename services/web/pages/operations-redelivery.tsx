// Saying a range of a stream on the bus once more: first what each of its readers would do with it, and then the act.
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { operations } from '../../operations/contract.ts'
import { admins, staff } from '../../vocabulary.ts'
import { check, type Form } from '../forms.ts'
import { CommandForm } from '../look/fields.tsx'
import { Notice, Said } from '../look/parts.tsx'
import { Problem, Refused } from '../problem.ts'
import { get, post } from '../route.ts'
import { failureText } from '../texts/failures.ts'
import type { Member } from '../visit.tsx'
import { toAct } from './operations-acts.tsx'
import { Outcomes, type Range, RangeForm, rangeIn } from './operations-delivery.tsx'
import { consumerPath, redeliveryPath } from './operations-parts.tsx'

type Plan = z.output<typeof operations.planRedelivery.output>
type Stream = NonNullable<z.output<typeof operations.getOverview.output>['services'][number]['stream']>

export const operationsRedeliveryPage = [
  get('/operations/streams/:stream', staff, (visit) => redeliveryView(visit)),

  post('/operations/streams/:stream/redeliver', admins, async (visit, form) => {
    const range = rangeIn((name) => form.text(name))
    if (range === null) return redeliveryView(visit, form)
    const stream = streamIn(visit)
    const outcome = await visit.call(operations.redeliverEvents, { stream, ...range }, { key: form.key })
    return toAct(visit, redeliveryPath(stream), operations.redeliverEvents, outcome)
  }),
]

const streamIn = (visit: Member): string => {
  const checked = check(operations.redeliverEvents.input, { stream: visit.param('stream'), after: 0, upTo: 1 })
  if ('wrong' in checked) throw new Problem('notFound')
  return checked.value.stream
}

const redeliveryView = async (visit: Member, form?: Form): Promise<Response> => {
  const name = streamIn(visit)
  const { services } = await visit.need(operations.getOverview, {})
  const stream = services.find((service) => service.name === name)?.stream
  if (!stream) throw new Problem('notFound')
  const isAsked = form !== undefined || visit.query.has('after') || visit.query.has('upTo')
  const range = form ? null : rangeIn((part) => visit.query.get(part) ?? '')
  const plan = range && (await planOf(visit, { stream: name, ...range }))
  const { redelivery: words, consumer } = visit.texts.operations
  const error = isAsked && range === null ? consumer.rangeRule : undefined
  return visit.page(
    words.title(name),
    <Redelivery visit={visit} stream={stream} plan={plan} error={error} form={form} />,
    { status: error === undefined ? 200 : 422 },
  )
}

const planOf = async (visit: Member, asked: Range & { readonly stream: string }): Promise<Plan> => {
  const outcome = await visit.call(operations.planRedelivery, asked, { timeoutMs: 15_000 })
  if (isRefusal(outcome)) throw new Refused(operations.planRedelivery, outcome)
  return outcome.ok
}

interface RedeliveryProps {
  readonly visit: Member
  readonly stream: Stream
  readonly plan: Plan | null
  readonly error: string | undefined
  readonly form: Form | undefined
}

const Redelivery = ({ visit, stream, plan, error, form }: RedeliveryProps) => (
  <>
    <p class="muted">{visit.texts.operations.redelivery.help}</p>
    <RangeForm
      visit={visit}
      action={redeliveryPath(stream.stream)}
      usual={{ after: Math.max(0, stream.head - 1), upTo: Math.max(1, stream.head) }}
      error={error}
      form={form}
    />
    {plan && <PlanView visit={visit} plan={plan} />}
    <p class="aside">
      <a href="/operations">{visit.texts.operations.back}</a>
    </p>
  </>
)

const PlanView = ({ visit, plan }: { visit: Member; plan: Plan }) => {
  const { redelivery: words, consumer: texts } = visit.texts.operations
  const { number } = visit.formats
  return (
    <section class="plan" aria-labelledby="plan">
      <h2 id="plan">{texts.planTitle}</h2>
      <p class="muted">
        {plan.upTo === plan.after ? texts.planNone : texts.planRange(number(plan.after + 1), number(plan.upTo))}
      </p>
      {plan.consumers.map((one) => (
        <section aria-labelledby={`${one.service}-${one.consumer}`}>
          <h3 id={`${one.service}-${one.consumer}`}>
            <a href={consumerPath(one)}>{one.consumer}</a> <span class="muted">{one.service}</span>
          </h3>
          <Outcomes visit={visit} outcomes={one.outcomes} />
        </section>
      ))}
      {plan.consumers.length === 0 && <p>{words.nobody}</p>}
      {plan.unasked.map(({ service, reason }) => (
        <Notice>
          {words.unasked(service)} <Said given={reason} said={failureText(visit.texts, reason)} />
        </Notice>
      ))}
      {plan.upTo > plan.after && admins.includes(visit.person.role) && (
        <CommandForm action={`${redeliveryPath(plan.stream)}/redeliver`} class="acts after">
          <input type="hidden" name="after" value={plan.after} />
          <input type="hidden" name="upTo" value={plan.upTo} />
          <button class="btn btn-primary">{texts.redeliver}</button>
        </CommandForm>
      )}
    </section>
  )
}
