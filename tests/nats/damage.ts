// What may become of a stream at the broker, done for real.
import assert from 'node:assert/strict'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker } from './broker.ts'

export const deleteStream = (broker: Broker, stream: string): Promise<unknown> =>
  broker.manage((jsm) => jsm.streams.delete(stream))

export const purge = (broker: Broker, stream: string): Promise<unknown> =>
  broker.manage((jsm) => jsm.streams.purge(stream))

/** Gives how many there were. */
export const deleteConsumers = (broker: Broker, stream: string): Promise<number> =>
  broker.manage(async (jsm) => {
    const names: string[] = []
    for await (const { name } of jsm.consumers.list(stream)) names.push(name)
    for (const name of names) await jsm.consumers.delete(stream, name)
    return names.length
  })

/** Takes the second half of the file with the newest messages away. The broker must not be running. */
export const cutTail = async ({ storage }: Broker, stream: string): Promise<void> => {
  const folder = join(storage, 'jetstream', '$G', 'streams', stream, 'msgs')
  const blocks = (await readdir(folder)).filter((name) => name.endsWith('.blk'))
  const newest = blocks.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1)
  assert.ok(newest !== undefined)
  const { size } = await stat(join(folder, newest))
  await truncate(join(folder, newest), size >> 1)
}
