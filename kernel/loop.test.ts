// A loop works until nothing is left, sleeps until it is woken, backs off when it fails, and ends after its pass.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { silent } from '../tests/support/silent.ts'
import { type LoopOptions, startLoop } from './loop.ts'
import type { Log } from './ports.ts'
import { Fault } from './result.ts'

/** Long enough that no test ends by it. */
const never = 60_000

const looping = (options: Partial<LoopOptions> & Pick<LoopOptions, 'pass'>) => {
  const loop = startLoop({ name: 'a loop', pollMs: never, log: silent, ...options })
  return {
    loop,
    wake: loop.wake,
    drained: loop.drained,
    stop: loop.stop,
    trouble: () => loop.trouble,
    [Symbol.asyncDispose]: loop.stop,
  }
}

/** Passes that wait until the test says how each ends. */
const stepwise = () => {
  const begun: ReturnType<typeof Promise.withResolvers<'more' | 'idle'>>[] = []
  const pass = () => {
    const one = Promise.withResolvers<'more' | 'idle'>()
    begun.push(one)
    return one.promise
  }
  /** Ends the pass in progress and lets the loop go on. */
  const end = async (found: 'more' | 'idle' | Error) => {
    const one = begun.at(-1)
    if (found instanceof Error) one?.reject(found)
    else one?.resolve(found)
    await turn()
  }
  return { pass, end, count: () => begun.length }
}

/** True when the promise has been fulfilled. */
const watched = (promise: Promise<unknown>) => {
  const state = { fulfilled: false }
  void promise.then(() => (state.fulfilled = true))
  return state
}

describe('a loop', () => {
  test('works until nothing is left, without waiting in between', async () => {
    let left = 100
    await using loop = looping({ pass: () => Promise.resolve(left-- > 0 ? 'more' : 'idle') })
    await loop.drained()
    assert.ok(left < 0)
  })

  test('sleeps when nothing is left, until it is woken', async () => {
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    await end('idle')
    assert.equal(count(), 1)
    loop.wake()
    await turn()
    assert.equal(count(), 2)
    const stopped = loop.stop()
    await end('idle')
    await stopped
  })

  test('looks by itself when nobody wakes it', async () => {
    const five = Promise.withResolvers<void>()
    let passes = 0
    const pass = () => {
      passes += 1
      if (passes === 5) five.resolve()
      return Promise.resolve('idle' as const)
    }
    await using _loop = looping({ pass, pollMs: 2 })
    await five.promise
  })

  test('rests for as long as a pass says, and never longer than it polls', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const rests = [300, 10 * never]
    let passes = 0
    const pass = () => Promise.resolve({ restMs: rests[passes++] ?? never })
    await using _loop = looping({ pass })
    await turn()
    context.mock.timers.tick(299)
    await turn()
    assert.equal(passes, 1)
    context.mock.timers.tick(1)
    await turn()
    assert.equal(passes, 2)
    context.mock.timers.tick(never)
    await turn()
    assert.equal(passes, 3)
  })

  test('that is woken during a pass makes another, and one for many wakes', async () => {
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    for (let wakes = 0; wakes < 10; wakes += 1) loop.wake()
    await end('idle')
    assert.equal(count(), 2)
    await end('idle')
    assert.equal(count(), 2)
    await loop.stop()
  })
})

describe('drained', () => {
  test('does not believe the pass that was in progress when it was asked', async () => {
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    const drained = watched(loop.drained())
    await end('idle')
    assert.deepEqual([drained.fulfilled, count()], [false, 2])
    await end('idle')
    assert.equal(drained.fulfilled, true)
    await loop.stop()
  })

  test('waits while there is more to do and while passes fail', async (context) => {
    context.mock.method(Math, 'random', () => 0)
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    const drained = watched(loop.drained())
    await end('idle')
    await end('more')
    await end(new Error('no'))
    while (count() < 4) await turn()
    assert.equal(drained.fulfilled, false)
    await end('idle')
    assert.equal(drained.fulfilled, true)
    await loop.stop()
  })

  test('is answered to all who ask, also by a loop that ends', async () => {
    const { pass, end } = stepwise()
    const loop = looping({ pass })
    const all = Promise.all([loop.drained(), loop.drained()])
    const stopped = loop.stop()
    await end('more')
    await Promise.all([all, stopped, loop.drained()])
  })
})

describe('a pass that fails', () => {
  /** Lets the test say how late it is; the loop's own chance is taken away. */
  const frozenTime = (context: TestContext): ((ms: number) => Promise<void>) => {
    context.mock.method(Math, 'random', () => 1)
    context.mock.timers.enable({ apis: ['setTimeout'] })
    return async (ms) => {
      context.mock.timers.tick(ms)
      await turn()
    }
  }

  test('is tried again after a while that grows to two seconds, whoever wakes it meanwhile', async (context) => {
    const tick = frozenTime(context)
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    for (const [index, delayMs] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      await end(new Error('no'))
      loop.wake()
      await tick(delayMs - 1)
      assert.equal(count(), index + 1)
      await tick(1)
      assert.equal(count(), index + 2)
    }
    await end('more')
    await end(new Error('no'))
    await tick(50)
    assert.equal(count(), 11, 'a success does not end the growth')
    const stopped = loop.stop()
    await end('idle')
    await stopped
  })

  test('is the trouble of the loop until one succeeds', async (context) => {
    const tick = frozenTime(context)
    const { pass, end } = stepwise()
    const loop = looping({ pass })
    assert.equal(loop.trouble(), null)
    await end(new Error('no ink'))
    assert.equal(loop.trouble(), 'Error: no ink')
    await tick(2_000)
    await end('idle')
    assert.equal(loop.trouble(), null)
    await loop.stop()
  })

  test('is logged once with its cause: as a warning when it may pass by itself, else as an error', async (context) => {
    const tick = frozenTime(context)
    const logged: unknown[] = []
    const note = (level: string) => (fields: object) => logged.push([level, (fields as { err: unknown }).err])
    const log: Log = { ...silent, warn: note('warn'), error: note('error') }
    const { pass, end } = stepwise()
    const loop = looping({ pass, log })
    const errors = [new Fault('unavailable', 'no connection'), new Error('a bug')]
    for (const error of errors) {
      await end(error)
      await tick(2_000)
    }
    assert.deepEqual(logged, [
      ['warn', errors[0]],
      ['error', errors[1]],
    ])
    const stopped = loop.stop()
    await end('idle')
    await stopped
  })
})

test('a pass that hangs is a trouble before it ends', async (context) => {
  const { pass, end } = stepwise()
  const loop = looping({ pass })
  const begun = performance.now()
  context.mock.method(performance, 'now', () => begun + 16_000)
  assert.match(loop.trouble() ?? '', /running for 16 s/)
  const stopped = loop.stop()
  await end('idle')
  await stopped
  assert.equal(loop.trouble(), null)
})

describe('stopping', () => {
  test('waits for the pass in progress, and no other begins', async () => {
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    const stopped = loop.stop()
    const state = watched(stopped)
    await turn()
    assert.equal(state.fulfilled, false)
    await end('more')
    await stopped
    assert.equal(count(), 1)
  })

  test('ends a sleep at once', async () => {
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    await end('idle')
    await loop.stop()
    loop.wake()
    await turn()
    assert.equal(count(), 1)
  })

  test('ends the wait after a failure at once', async (context) => {
    context.mock.method(Math, 'random', () => 1)
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const { pass, end, count } = stepwise()
    const loop = looping({ pass })
    await end(new Error('no'))
    await loop.stop()
    assert.equal(count(), 1)
  })

  test('may be asked twice', async () => {
    const loop = looping({ pass: () => Promise.resolve('idle') })
    await Promise.all([loop.stop(), loop.stop()])
    await loop.stop()
  })
})
