// Statements: whose tables they name, what they read, and that each is one step over a set.
import {
  type ArrowFunction,
  isArrayTypeNode,
  isArrowFunction,
  isCallExpression,
  isIdentifier,
  isPropertyAccessExpression,
  isTypeOperatorNode,
  isTypeReferenceNode,
  isVariableDeclaration,
  type Node,
  SyntaxKind,
  type VariableDeclaration,
} from 'typescript/unstable/ast'
import type { File } from '../project.ts'
import { type Finding, inEach, product, type Rule } from '../rule.ts'
import { partsOf, sourcesIn, type Star, starsIn, tokensOf } from '../sql.ts'
import { around, at, lineOf, nodesOf, sqlOf, type Statement, stringOf, within } from '../syntax.ts'

const stores = product('services/*/{store,verification}.ts', 'services/*/store/*.ts', 'services/*/alerts/store.ts')

const schemaOf = (path: string): string => (path.split('/')[1] ?? '').replaceAll('-', '_')

/** A table is given with its schema, is a part of the statement, a function or a placeholder. */
const foreignTables = (file: File, statement: Statement): Finding[] => {
  const tokens = tokensOf(statement.sql)
  const parts = partsOf(tokens)
  return sourcesIn(tokens)
    .filter(
      ({ name, isCall }) =>
        !name.startsWith(`${schemaOf(file.path)}.`) && !isCall && !parts.has(name) && name !== '${}',
    )
    .map(({ name, token }) =>
      within(file, statement, token.index, `names ${name}${name.includes('.') ? '' : ' without its schema'}`),
    )
}

const otherSchemas = (path: string): RegExp => {
  const others = ['task_tracker', 'accounting', 'identity', 'operations', 'web'].filter((one) => one !== schemaOf(path))
  return new RegExp(String.raw`\b(?:${others.join('|')})\.\w+`, 'g')
}

/** Wherever a name may hide: in a string of SQL, in a part that stands in no from. */
const foreignNames = (file: File, statement: Statement): Finding[] =>
  [...statement.sql.matchAll(otherSchemas(file.path))].map(({ 0: name, index }) =>
    within(file, statement, index, `names ${name}`),
  )

const foreignIds = (file: File): Finding[] =>
  nodesOf(file).flatMap((node) => {
    if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return []
    const { expression, name } = node.expression
    if (!isIdentifier(expression) || expression.text !== 'sql' || !['id', 'table', 'ref'].includes(name.text)) return []
    const schema = stringOf(node.arguments[0])
    return schema === schemaOf(file.path) ? [] : at(file, node, `names a table in schema ${schema ?? 'of some name'}`)
  })

const ownSchema: Rule = {
  name: 'own-schema',
  why: 'A service reads and writes its own tables only; what it wants of others it keeps from their events.',
  covers: stores,
  least: 4,
  find: inEach((file) => [
    ...sqlOf(file).flatMap((statement) => [...foreignTables(file, statement), ...foreignNames(file, statement)]),
    ...foreignIds(file),
  ]),
}

/** The tables that a star is over, as far as it can be told. */
const starred = (star: Star, parts: ReadonlySet<string>): string[] => {
  if (star.of === 'returning') return star.isInner ? [] : ['what it returns']
  if (star.sources.length === 0) return ['a placeholder']
  return star.sources.filter(({ name, isCall }) => !isCall && !parts.has(name)).map(({ name }) => name)
}

const starsOver = (file: File, statement: Statement): Finding[] => {
  const tokens = tokensOf(statement.sql)
  return starsIn(tokens).flatMap((star) =>
    starred(star, partsOf(tokens)).map((table) => within(file, statement, star.token.index, `takes * of ${table}`)),
  )
}

const noStar: Rule = {
  name: 'no-star',
  why: 'A column that comes later must not reach what was written before it. What the statement itself made is known to it.',
  covers: product('services/**', 'kernel/**', 'adapters/**'),
  least: 40,
  find: inEach((file) => sqlOf(file).flatMap((statement) => starsOver(file, statement))),
}

interface StoreFunction {
  readonly name: string
  readonly declaration: VariableDeclaration
  readonly body: ArrowFunction
}

const functionsOf = (file: File): StoreFunction[] =>
  nodesOf(file).flatMap((node) =>
    isVariableDeclaration(node) && isIdentifier(node.name) && node.initializer && isArrowFunction(node.initializer)
      ? { name: node.name.text, declaration: node, body: node.initializer }
      : [],
  )

const isExported = ({ declaration }: StoreFunction): boolean =>
  declaration.parent.parent.forEachChild((child) => child.kind === SyntaxKind.ExportKeyword || undefined) ?? false

const isInside = (node: Node, outer: Node): boolean => node.pos >= outer.pos && node.end <= outer.end

const runsOf = (file: File): Node[] =>
  nodesOf(file).filter(
    (node) =>
      isCallExpression(node) && isPropertyAccessExpression(node.expression) && node.expression.name.text === 'execute',
  )

const loops = [
  SyntaxKind.ForStatement,
  SyntaxKind.ForOfStatement,
  SyntaxKind.ForInStatement,
  SyntaxKind.WhileStatement,
  SyntaxKind.DoStatement,
]

const repeated = (file: File): Finding[] =>
  runsOf(file)
    .filter((run) => {
      const outer = around(run)
      return outer.some(({ kind }) => loops.includes(kind)) || outer.filter(isArrowFunction).length > 1
    })
    .map((run) => at(file, run, 'runs a statement for each of several'))

const manySteps = (file: File): Finding[] =>
  functionsOf(file).flatMap(({ name, declaration, body }) => {
    const count = runsOf(file).filter((run) => isInside(run, body)).length
    return count > 1 ? at(file, declaration, `${name} is ${count} statements`) : []
  })

const oneStatement: Rule = {
  name: 'one-statement',
  why: 'A store function is one statement, so that its name in a log or a plan says what runs, and many rows cost one round trip.',
  covers: stores,
  least: 4,
  find: inEach((file) => [...repeated(file), ...manySteps(file)]),
}

const isSet = (type: Node | undefined): boolean =>
  type !== undefined &&
  (isTypeOperatorNode(type)
    ? isSet(type.type)
    : isArrayTypeNode(type) ||
      (isTypeReferenceNode(type) && isIdentifier(type.typeName) && type.typeName.text === 'ReadonlyArray'))

const writersOfOne = (file: File): Finding[] =>
  functionsOf(file)
    .filter((one) => isExported(one))
    .filter(({ body }) =>
      sqlOf(file).some(
        ({ sql, node }) =>
          isInside(node, body) && /\b(?:insert\s+into|delete\s+from)\b|\bupdate\s+\S+\s+(?:\w+\s+)?set\b/i.test(sql),
      ),
    )
    .filter(({ body }) => !body.parameters.some(({ type }) => isSet(type)))
    .map(({ name, declaration }) => at(file, declaration, `${name} writes one`))

const onePerson = 'One person acts for one person at a time; nothing ever does it for many.'

const writesSets: Rule = {
  name: 'writes-sets',
  why: 'Load the set, decide over the set, write the set: the function for many is the only function.',
  covers: stores,
  least: 4,
  find: inEach(writersOfOne),
  except: [
    ...[
      'insertPerson',
      'saveInvitation',
      'useInvitation',
      'saveFirstAdministratorLink',
      'useFirstAdministratorLink',
    ].map((name) => ({ path: 'services/identity/store.ts', what: `${name} writes one`, why: onePerson })),
    {
      path: 'services/operations/alerts/store.ts',
      what: 'finishRound writes one',
      why: 'One round of the watcher ends at a time.',
    },
    ...['forgetDeliveries', 'forgetAlerts'].map((name) => ({
      path: 'services/operations/alerts/store.ts',
      what: `${name} writes one`,
      why: 'It forgets all that was over before a moment.',
    })),
    {
      path: 'services/operations/store/reports.ts',
      what: 'forgetReports writes one',
      why: 'It forgets all that was over before a moment.',
    },
    { path: 'services/accounting/store.ts', what: 'beginDay writes one', why: 'One day begins at a time.' },
    { path: 'services/accounting/store.ts', what: 'forgetHolders writes one', why: 'The set is all of them.' },
    { path: 'services/operations/store/people.ts', what: 'forgetNames writes one', why: 'The set is all of them.' },
    ...['forgetPopugs', 'forgetThoseWithNothing'].map((name) => ({
      path: 'services/task-tracker/store.ts',
      what: `${name} writes one`,
      why: 'The set is all of them.',
    })),
    {
      path: 'services/accounting/store/lost-history.ts',
      what: 'keepLostPostings writes one',
      why: 'The set is in the tables.',
    },
  ],
}

const created = /\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(\w+)/gi

/** The comment lines right above a line. */
const commentAbove = (lines: readonly string[], line: number): string => {
  const above = lines.slice(0, line - 1)
  const start = above.findLastIndex((text) => !text.trim().startsWith('//')) + 1
  return above.slice(start).join(' ')
}

const says = /\b(?:facts?|derived)\b/i

const untold = (file: File): Finding[] => {
  const lines = file.text.split('\n')
  const header = lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .join(' ')
  return nodesOf(file).flatMap((node) =>
    [...(stringOf(node) ?? '').matchAll(created)].flatMap(([, table = '']) => {
      const named = says.test(header) && new RegExp(`\\b${table}\\b`).test(header)
      return named || says.test(commentAbove(lines, lineOf(file, node)))
        ? []
        : at(file, node, `does not say what ${table} is`)
    }),
  )
}

const factsOrDerived: Rule = {
  name: 'facts-or-derived',
  why: 'Replay empties what is derived from events and never a fact: for each table somebody must have said which it is.',
  covers: product('**/migrations.ts'),
  least: 4,
  find: inEach(untold),
}

export const rulesOfSql: readonly Rule[] = [ownSchema, noStar, oneStatement, writesSets, factsOrDerived]
