// Who may do what, and with whose things: on a running aTES, for every method and every page with an id.
import { after, before, describe } from 'node:test'
import { openScene, type Scene } from './scene.ts'
import { twoPeople } from './two-people.ts'
import { whoMayCall } from './who-may-call.ts'

describe('access', () => {
  let scene: Scene
  before(async () => {
    scene = await openScene()
  })
  after(() => scene[Symbol.asyncDispose]())

  whoMayCall(() => scene)
  twoPeople(() => scene)
})
