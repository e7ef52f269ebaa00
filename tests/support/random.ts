// Chance with a seed, so that a failure can be repeated.
export { generator, seededRandom } from '../../adapters/seeded-random.ts'

/** The seed given by ATES_TEST_SEED, or a fresh one; printed either way. */
export const seedOf = (what: string): number => {
  const seed = Number(process.env['ATES_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`${what}: seed ${seed}\n`)
  return seed
}
