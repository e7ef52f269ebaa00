// The compose file and the example environments fit aTES: every setting exists and is complete, every file is there,
// ports agree with the load balancer's. Whether an engine starts it is not tested here.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'
import { newTokenKey } from '../../adapters/transport/token.ts'
import { type ProcessName, processes, readConfig, serviceNames } from '../../config.ts'
import { settings } from '../../settings.ts'

const top = join(import.meta.dirname, '../../deploy')
const read = (path: string): string => readFileSync(join(top, path), 'utf8')

const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).default([]),
  read_only: z.boolean().default(false),
  deploy: z.object({ replicas: z.int() }).optional(),
})
const Compose = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
})

const text = read('compose.yaml')
const compose = z.parse(Compose, parse(text, { merge: true }))
const service = (name: string) => {
  const found = compose.services[name]
  assert.ok(found, name)
  return found
}
const filled = { ...parseEnv(read('environment/compose.env')), ATES_TOKEN_KEY: JSON.stringify(await newTokenKey()) }

/** As compose fills in variables: `${NAME:-default}`, `${NAME:?message}`. */
const given = (value: string): string =>
  value.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, how?: string, otherwise?: string) => {
    const set = (filled as Record<string, string>)[name] ?? ''
    if (set !== '') return set
    return how === '-' ? (otherwise ?? '') : 'x'.repeat(40)
  })
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(service(name).environment).map(([key, value]) => [key, given(value)]))
const runs = (name: string): name is ProcessName => processes.some((one) => one === name)

describe('the compose file', () => {
  test('runs every service and web, twice each, with settings that are complete', () => {
    assert.deepEqual(Object.keys(compose.services).filter(runs).toSorted(), processes.toSorted())
    for (const name of processes) {
      const { command, deploy, read_only: readOnly } = service(name)
      assert.deepEqual([command, deploy?.replicas, readOnly], [[name], 2, true], name)
      const config = readConfig([name], environmentOf(name))
      assert.deepEqual([config.migrate, config.nats?.replicas], [false, 3], name)
    }
  })

  test('migrates once, with all databases, before anything runs', () => {
    const { entrypoint, command } = service('migrate')
    assert.deepEqual([entrypoint.at(-1), command], ['cli.ts', ['migrate']])
    assert.ok(existsSync(join(top, '..', entrypoint.at(-1) ?? '')))
    const config = readConfig([], environmentOf('migrate'))
    assert.deepEqual(Object.keys(config.databases ?? {}).toSorted(), serviceNames.toSorted())
    for (const name of processes)
      assert.deepEqual(service(name).depends_on, {
        migrate: { condition: 'service_completed_successfully' },
        'nats-1': { condition: 'service_healthy' },
      })
  })

  test('names only parts, files and volumes that there are', () => {
    for (const [name, { depends_on: needs, volumes }] of Object.entries(compose.services)) {
      for (const need of Array.isArray(needs) ? needs : Object.keys(needs)) assert.ok(compose.services[need], need)
      for (const [source = ''] of volumes.map((volume) => volume.split(':')))
        assert.ok(
          source.startsWith('./') ? existsSync(join(top, source)) : source in compose.volumes,
          `${name}: ${source}`,
        )
    }
    const nats = new Set(read('nats/nats.conf').match(/nats-\d/g))
    assert.deepEqual(
      [...nats].toSorted(),
      Object.keys(compose.services).filter((name) => name.startsWith('nats-')),
    )
  })

  test('pins every image by a version, and keeps no secret', () => {
    for (const [name, { image }] of Object.entries(compose.services))
      assert.match(image, /^(?:ates:local|docker\.io\/\S+:\d+\.\d+\S*)$/, name)
    assert.doesNotMatch(text, /(?:PASSWORD|SECRET|KEY): (?!'?\$\{|\*)/)
  })

  test('asks for nothing that its example does not name', () => {
    const asked = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name))
    for (const name of asked) assert.ok(name !== undefined && name in filled, `${name}`)
    const secret = Object.keys(filled).filter((name) => /PASSWORD|SECRET|KEY/.test(name) && !/ALERT/.test(name))
    for (const name of secret) assert.ok(asked.has(name), `${name} is not asked for`)
    for (const [name, value] of Object.entries(parseEnv(read('environment/compose.env'))))
      if (secret.includes(name)) assert.equal(value, '', name)
  })
})

describe('the load balancer', () => {
  const balancer = read('haproxy/haproxy.cfg')
  const port = (name: string): string | undefined =>
    new RegExp(`^listen ${name}\\n {2}bind :(\\d+)$`, 'm').exec(balancer)?.[1]

  test('listens where services look for each other, and asks containers where they listen', () => {
    const inside = /ATES_PORT=(\d+)/.exec(read('Containerfile'))?.[1]
    for (const name of serviceNames) {
      const setting = `ATES_${name.toUpperCase().replace('-', '_')}_URL`
      assert.equal(environmentOf('web')[setting], `http://haproxy:${port(name)}`)
      assert.ok(balancer.includes(`server-template ${name} 2 ${name}:${inside}`), name)
      assert.equal(new URL(parseEnv(read('environment/shared.env'))[setting] ?? '').port, port(name))
    }
    assert.ok(balancer.includes(`server-template web 2 web:${inside}`))
    assert.deepEqual(service('haproxy').ports, [`8080:${/^frontend people\n {2}bind :(\d+)$/m.exec(balancer)?.[1]}`])
  })
})

describe('the example environments', () => {
  const environment = (name: string) => parseEnv(read(`environment/${name}.env`)) as Record<string, string>
  const key = { ATES_TOKEN_KEY: filled.ATES_TOKEN_KEY }

  test('have only settings that there are, and no secret', () => {
    const files = globSync('environment/*.env', { cwd: top }).filter((file) => !file.includes('compose'))
    assert.equal(files.length, processes.length + 2)
    for (const file of files)
      for (const [name, value] of Object.entries(parseEnv(read(file)))) {
        assert.ok(name in settings.shape, `${file}: ${name}`)
        if (/KEY|SECRET/.test(name)) assert.equal(value, '', name)
      }
  })

  test('are complete for one machine, and for each service apart once the keys are in', () => {
    assert.equal(readConfig([], environment('ates')).databases, null)
    for (const name of processes) {
      const secret = name === 'identity' ? { ATES_SIGN_IN_SECRET: 'x'.repeat(32) } : {}
      const config = readConfig([name], { ...environment('shared'), ...environment(name), ...key, ...secret })
      assert.ok(config.metricsPort !== undefined && config.metricsPort !== config.port, name)
    }
  })
})
