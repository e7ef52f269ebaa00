// Forms that carry passwords, found on the pages themselves: whatever fails, no password is written into a page, and what
// is asked for again is asked for as the form's own page asks.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { methodsOf } from '../../../kernel/contract.ts'
import { Fault, type FaultKind } from '../../../kernel/result.ts'
import { identity } from '../../identity/contract.ts'
import { routes } from '../app.tsx'
import { passwordNames } from '../forms.ts'
import { anAct } from '../operations.test-support.ts'
import { company, type SceneOptions } from '../scene.test-support.ts'

/** Somebody is invited, and nobody has come in by the first link. */
const scene = (replaced: SceneOptions['replaced'] = {}) => {
  const all = company({ replaced })
  all.world.invitations.set('an-invitation', all.people.popug.popugId)
  all.world.acts.push(anAct('reconcile'))
  return all
}

/** Where pages need more than their path to show their form. */
const queries: Readonly<Record<string, string>> = {
  '/invitation': '?token=an-invitation',
  '/first-run': '?token=first-token',
  '/operations/parked': '?service=accounting&consumer=ledger',
}
const parts: Readonly<Record<string, string>> = {
  ':service': 'accounting',
  ':consumer': 'ledger',
  ':number': '4001',
  ':name': 'EventsParked',
}
const addresses = routes
  .filter(({ verb }) => verb === 'GET')
  .map(({ path }) => `${path.replaceAll(/:\w+/g, (part) => parts[part] ?? '1')}${queries[path] ?? ''}`)

interface FoundForm {
  readonly who: 'admin' | null
  readonly action: string
  readonly html: string
}

const formsIn = (html: string): Omit<FoundForm, 'who'>[] =>
  [...html.matchAll(/<form[^>]*action="([^"]+)"[^>]*>.*?<\/form>/gs)].map(([form, action = '']) => ({
    action,
    html: form,
  }))

const attribute = (input: string, name: string): string => new RegExp(`\\s${name}="([^"]*)"`).exec(input)?.[1] ?? ''
const inputsIn = (html: string): string[] => [...html.matchAll(/<input[^>]*>/g)].map(([input]) => input)
const isPassword = (input: string): boolean => attribute(input, 'type') === 'password'

/** The fields that ask for passwords, each with its label and help. */
const passwordFieldsIn = (html: string): string[] =>
  [...html.matchAll(/<div class="field">.*?<\/div>/gs)].map(([field]) => field).filter((field) => isPassword(field))

/** What somebody types into the fields of a form, each password another one. */
const fillIn = (form: string): Record<string, string> =>
  Object.fromEntries(
    inputsIn(form).map((input, index) => {
      const [name, value] = [attribute(input, 'name'), attribute(input, 'value')]
      if (isPassword(input)) return [name, `very-secret-${index}`]
      if (attribute(input, 'type') === 'email') return [name, value || 'ada@example.com']
      return [name, value || 'Ada']
    }),
  )

/** Identity knows who is there, and does nothing else. */
const failing = (kind: FaultKind): NonNullable<SceneOptions['replaced']> => {
  const fail = (): never => {
    throw new Fault(kind, 'down in this test')
  }
  const commands = methodsOf(identity).filter(({ is }) => is === 'command')
  return Object.fromEntries(commands.map(({ name }) => [`${name[0]?.toLowerCase()}${name.slice(1)}`, fail]))
}

describe('a form with a password', () => {
  let found: FoundForm[]
  before(async () => {
    const { browser, people } = scene()
    const all: FoundForm[] = []
    // Every page is open to nobody in particular or to administrators.
    for (const who of [null, 'admin'] as const) {
      browser.cookies.clear()
      if (who !== null) browser.as(people[who])
      for (const address of addresses)
        all.push(...formsIn(await (await browser.get(address)).text()).map((form) => ({ who, ...form })))
    }
    const byAction = new Map(all.filter(({ html }) => inputsIn(html).some(isPassword)).map((one) => [one.action, one]))
    found = [...byAction.values()]
  })

  /** Sends it as its page shows it. Gives what was typed and what came back. */
  const send = async ({ who, action, html }: FoundForm, kind: FaultKind) => {
    const { browser, people } = scene(failing(kind))
    if (who !== null) browser.as(people[who])
    const typed = fillIn(html)
    const response = await browser.post(action, typed)
    return { typed, status: response.status, page: await response.text() }
  }

  test('is one of those that are known, and names its fields as passwords are named', () => {
    assert.deepEqual(found.map(({ action }) => action).toSorted(), [
      '/first-run',
      '/invitation',
      '/me/password',
      '/sign-in',
    ])
    for (const { action, html } of found) {
      const names = inputsIn(html)
        .filter(isPassword)
        .map((input) => attribute(input, 'name'))
      assert.ok(
        names.every((name) => passwordNames.some((one) => one === name)),
        `${action}: ${names.join()}`,
      )
      assert.equal(passwordFieldsIn(html).length, names.length, action)
    }
  })

  test('is not written into the page of any failure', async () => {
    for (const form of found) {
      for (const kind of ['unavailable', 'deadline', 'outcome_unknown', 'internal'] as const) {
        const { status, page } = await send(form, kind)
        assert.equal(status, kind === 'internal' ? 500 : 503, `${form.action}, ${kind}`)
        assert.doesNotMatch(page, /very-secret/, `${form.action}, ${kind}`)
      }
    }
  })

  test('is asked for again as on its own page, with all else and the same key', async () => {
    const calm = (field: string) => field.replaceAll(' autofocus', '')
    for (const form of found) {
      const { typed, page } = await send(form, 'unavailable')
      const again = formsIn(page).find(({ action }) => action === form.action)?.html ?? ''
      assert.deepEqual(passwordFieldsIn(again).map(calm), passwordFieldsIn(form.html).map(calm), form.action)
      const kept = inputsIn(again).filter((input) => !isPassword(input))
      const secret = ([, value]: [string, string]) => value.startsWith('very-secret')
      assert.deepEqual(
        Object.fromEntries(kept.map((input) => [attribute(input, 'name'), attribute(input, 'value')])),
        Object.fromEntries(Object.entries(typed).filter((one) => !secret(one))),
        form.action,
      )
      assert.doesNotMatch(page, /cannot happen twice/, form.action)
    }
  })

  test('that no page has is kept nowhere, either', async () => {
    const { browser, people } = scene({
      createTask: () => {
        throw new Fault('unavailable', 'down in this test')
      },
    })
    browser.as(people.popug)
    const passwords = Object.fromEntries(passwordNames.map((name) => [name, 'very-secret']))
    const response = await browser.post('/tasks', { description: 'Feed the parrots', ...passwords })
    assert.equal(response.status, 503)
    const page = await response.text()
    assert.match(page, /name="description" value="Feed the parrots"/)
    assert.doesNotMatch(page, /very-secret/)
  })
})
