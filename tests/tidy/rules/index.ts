// The rules of the architecture, as a list: who imports whom, then what is not done where.
import type { Rule } from '../rule.ts'
import { rulesOfAlerts } from './alerts.ts'
import { rulesOfFiles } from './files.ts'
import { rulesOfImports } from './imports.ts'
import { rulesOfMigrations } from './migrations.ts'
import { rulesOfPurity } from './purity.ts'
import { rulesOfRepository } from './repository.ts'
import { rulesOfSql } from './sql.ts'
import { rulesOfTests } from './tests.ts'
import { rulesOfWords } from './words.ts'

export const rules: readonly Rule[] = [
  ...rulesOfImports,
  ...rulesOfPurity,
  ...rulesOfSql,
  ...rulesOfMigrations,
  ...rulesOfWords,
  ...rulesOfFiles,
  ...rulesOfTests,
  ...rulesOfRepository,
  ...rulesOfAlerts,
]
