// A program: makes a database with all schemas of the product brought up to date, and prints its name.
import { freshDatabase, schemas } from './server.ts'
import { startSystem } from './system.ts'

const database = await freshDatabase(schemas, { empty: true })
const system = await startSystem({ database, loops: false })
await system[Symbol.asyncDispose]()
await database.leave()
process.stdout.write(database.name)
