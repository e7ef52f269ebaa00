// What rules ask of a module's syntax: its nodes with their lines, its imports, its words and its SQL.
import { dirname, join } from 'node:path'
import {
  type Expression,
  isAsExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNamedImports,
  isNoSubstitutionTemplateLiteral,
  isParenthesizedExpression,
  isPropertyAccessExpression,
  isStringLiteral,
  isTaggedTemplateExpression,
  isTemplateExpression,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import type { File } from './project.ts'
import type { Finding } from './rule.ts'

const collect = (node: Node, into: Node[]): Node[] => {
  node.forEachChild((child) => {
    into.push(child)
    collect(child, into)
  })
  return into
}

const nodes = new WeakMap<File, readonly Node[]>()

/** All nodes, outer before inner, without comments. None when the file is no module. */
export const nodesOf = (file: File): readonly Node[] => {
  const known = nodes.get(file) ?? (file.syntax ? collect(file.syntax, []) : [])
  nodes.set(file, known)
  return known
}

/** The line of a place in the text, from 1. */
export const lineAt = ({ text }: File, position: number): number => text.slice(0, position).split('\n').length

export const lineOf = (file: File, node: Node): number => lineAt(file, node.getStart(file.syntax ?? undefined))

export const at = (file: File, node: Node, what: string): Finding => ({
  path: file.path,
  line: lineOf(file, node),
  what,
})

/** The nodes around this one, the nearest first. */
export const around = (node: Node): Node[] => {
  const found: Node[] = []
  for (let outer = node.parent; outer && outer.kind !== SyntaxKind.SourceFile; outer = outer.parent) found.push(outer)
  return found
}

/** The value that this node is a part of, through `a ?? b`, `a ? b : c`, `(a)` and `a as B`. */
export const wholeValue = (node: Node): Node => {
  const outer = node.parent
  if (isParenthesizedExpression(outer) || isAsExpression(outer)) return wholeValue(outer)
  if (isConditionalExpression(outer) && outer.condition !== node) return wholeValue(outer)
  if (
    isBinaryExpression(outer) &&
    [SyntaxKind.BarBarToken, SyntaxKind.QuestionQuestionToken].includes(outer.operatorToken.kind)
  )
    return wholeValue(outer)
  return node
}

/** The text of a string without placeholders, or null. */
export const stringOf = (node: Node | undefined): string | null =>
  node && (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) ? node.text : null

export interface Import {
  /** A path from the root, `node:fs`, or `npm:zod`; null when it is computed. */
  readonly target: string | null
  /** What is taken from it; empty when it is the whole module. */
  readonly names: readonly string[]
  /** Leaves no trace when types are stripped. */
  readonly typeOnly: boolean
  readonly node: Node
}

const targetOf = (file: File, specifier: string | null): string | null => {
  if (specifier === null) return null
  if (specifier.startsWith('.')) return join(dirname(file.path), specifier)
  return specifier.startsWith('node:') ? specifier : `npm:${specifier}`
}

const staticImport = (file: File, node: Node): Import | null => {
  if (isExportDeclaration(node) && node.moduleSpecifier) {
    return { target: targetOf(file, stringOf(node.moduleSpecifier)), names: [], typeOnly: node.isTypeOnly, node }
  }
  if (!isImportDeclaration(node)) return null
  const clause = node.importClause
  const named = clause?.namedBindings && isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : []
  const names = clause?.name ? [] : named.map(({ propertyName, name }) => (propertyName ?? name).text)
  const typeOnly =
    clause?.phaseModifier === SyntaxKind.TypeKeyword ||
    (named.length > 0 && !clause?.name && named.every((one) => one.isTypeOnly))
  return { target: targetOf(file, stringOf(node.moduleSpecifier)), names, typeOnly, node }
}

const isLoading = (callee: Node): boolean =>
  callee.kind === SyntaxKind.ImportKeyword || (isIdentifier(callee) && callee.text === 'require')

const dynamicImport = (file: File, node: Node): Import | null => {
  if (isCallExpression(node) && isLoading(node.expression))
    return { target: targetOf(file, stringOf(node.arguments[0])), names: [], typeOnly: false, node }
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument))
    return { target: targetOf(file, stringOf(node.argument.literal)), names: [], typeOnly: true, node }
  return null
}

const imports = new WeakMap<File, readonly Import[]>()

/** Every way in which a module names another: import, export from, import(), require() and import types. */
export const importsOf = (file: File): readonly Import[] => {
  const known =
    imports.get(file) ?? nodesOf(file).flatMap((node) => staticImport(file, node) ?? dynamicImport(file, node) ?? [])
  imports.set(file, known)
  return known
}

export interface Statement {
  /** With `${}` for each placeholder. */
  readonly sql: string
  readonly node: Node
}

const isSqlTag = (tag: Expression): boolean =>
  (isIdentifier(tag) && tag.text === 'sql') ||
  (isPropertyAccessExpression(tag) && isIdentifier(tag.expression) && tag.expression.text === 'sql')

/** A template's text, each placeholder as `${}`. */
export const templateText = (node: Node): string | null => {
  const plain = stringOf(node)
  if (plain !== null || !isTemplateExpression(node)) return plain
  return node.head.text + node.templateSpans.map(({ literal }) => `\${}${literal.text}`).join('')
}

const statementOf = (node: Node): Statement[] => {
  const sql = templateText(node)
  return sql === null ? [] : [{ sql, node }]
}

/** Texts given to kysely's `sql` tag or to one of its functions: statements and parts of statements. */
export const sqlOf = (file: File): readonly Statement[] =>
  nodesOf(file).flatMap((node) => {
    if (isTaggedTemplateExpression(node) && isSqlTag(node.tag)) return statementOf(node.template)
    return isCallExpression(node) && isSqlTag(node.expression) ? node.arguments.flatMap(statementOf) : []
  })

/** A place in a statement, given by its index in the text. */
export const within = (file: File, { node, sql }: Statement, index: number, what: string): Finding => ({
  path: file.path,
  line: lineOf(file, node) + sql.slice(0, index).split('\n').length - 1,
  what,
})

/** A name in its words, in lower case: `feeCents`, `fee_cents` and `fee-cents` are fee and cents. */
export const wordsIn = (text: string): string[] =>
  text
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}]+/u)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '')
