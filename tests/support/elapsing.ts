// Time that a test lets pass, as parts of the product measure it.
import type { TestContext } from 'node:test'

/** Calling the result lets so many milliseconds pass without waiting for them. */
export const elapsing = (t: TestContext) => {
  let later = 0
  const now = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => now() + later)
  return (ms: number) => (later += ms)
}
