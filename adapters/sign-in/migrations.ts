// What sign-in keeps in identity's schema, as migrations that identity includes among its own.
import type { Migrations } from '../../kernel/migrations.ts'
import { signInTables } from './schema.ts'
import { throttleTables } from './throttle.ts'

export const signInMigrations = (schema: string): Migrations => ({
  '0002-sign-in': signInTables(schema),
  '0004-sign-in-throttle': throttleTables(schema),
})
