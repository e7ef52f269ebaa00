// What is read from the environment, where it is more than what is written there.
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../config.ts'
import { newTokenKey } from '../../adapters/transport/token.ts'

const linesOf = (environment: Readonly<Record<string, string>>): readonly string[] => {
  try {
    readConfig([], environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.lines
    throw error
  }
}

test('a data directory is the one that is meant, however it is named', () => {
  const dataDirOf = (dataDir: string) => readConfig([], { ATES_DATA_DIR: dataDir }).dataDir
  assert.equal(dataDirOf('missing/../data'), resolve('data'))
  assert.equal(dataDirOf('/srv//ates/'), '/srv/ates')
})

test('two ports of ours are two', () => {
  const same = 'ATES_METRICS_PORT must be another port than ATES_PORT, which is'
  assert.deepEqual(linesOf({ ATES_PORT: '4100', ATES_METRICS_PORT: '4100' }), [`${same} 4100`])
  assert.deepEqual(linesOf({ ATES_METRICS_PORT: '4000' }), [`${same} 4000`])
  assert.deepEqual(linesOf({ ATES_PORT: '4100', ATES_METRICS_PORT: '4101' }), [])
  // The system gives each of these one of its own.
  assert.deepEqual(linesOf({ ATES_PORT: '0', ATES_METRICS_PORT: '0' }), [])
})

test('a key is a private one of the right kind, and one key', async () => {
  const [key, other] = [await newTokenKey(), await newTokenKey()]
  const said = 'ATES_TOKEN_KEY must be a private Ed25519 key as JSON Web Key; `npm run ates -- new-key` makes one'
  const linesOfKey = (given: unknown) => linesOf({ ATES_TOKEN_KEY: JSON.stringify(given) })
  assert.deepEqual(linesOfKey(key), [])
  for (const wrong of [{ ...key, x: other.x }, { ...key, d: 'x' }, { kty: 'OKP', d: key.d }, [key], null, 'key'])
    assert.deepEqual(linesOfKey(wrong), [said], JSON.stringify(wrong))
})
