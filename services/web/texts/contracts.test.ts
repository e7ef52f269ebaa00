// Every method that people may call, and every field of it, has Russian words; no words are for what is not there.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ours } from '../scene.test-support.ts'
import { fieldText, methodText, serviceText } from './contracts.ts'
import { en } from './en.ts'
import { ru } from './ru.ts'

const { methods } = await ours()
const names = methods.map(({ service, name }) => `${service} ${name}`)
const descriptions = new Set(
  methods
    .flatMap(({ input, output }) => [...input, ...output])
    .map(({ description }) => description)
    .filter((description) => description !== ''),
)

const isRussian = (text: string | null): boolean => /\p{Script=Cyrillic}/u.test(text ?? '')

describe('what contracts say has words in the catalogs', () => {
  test('in Russian for each service and for each method that a person may call', () => {
    assert.ok(names.length > 40)
    for (const method of methods) {
      assert.ok(isRussian(methodText(ru, method)), `${method.service} ${method.name} is not in ru-methods.ts`)
      assert.ok(isRussian(serviceText(ru, method.service)), method.service)
    }
  })

  test('in Russian for each field of them', () => {
    assert.ok(descriptions.size > 100)
    assert.deepEqual(
      [...descriptions].filter((description) => !isRussian(fieldText(ru, description))),
      [],
    )
  })

  test('and for nothing else', () => {
    for (const { contracts, self } of [ru, en]) {
      const told = Object.entries(contracts.methods).flatMap(([service, texts]) =>
        Object.keys(texts).map((name) => `${service} ${name}`),
      )
      assert.deepEqual(
        told.filter((name) => !names.includes(name)),
        [],
        self,
      )
      assert.deepEqual(
        Object.keys(contracts.fields).filter((description) => !descriptions.has(description)),
        [],
        self,
      )
    }
  })

  test('but not for what only a process of another version has', () => {
    for (const name of ['BrewTea', 'constructor', '__proto__', '']) {
      assert.equal(methodText(ru, { service: 'accounting', name }), null)
      assert.equal(methodText(ru, { service: name, name: 'GetPrices' }), null)
      assert.equal(serviceText(ru, name), null)
      assert.equal(fieldText(ru, name), null)
    }
  })
})
