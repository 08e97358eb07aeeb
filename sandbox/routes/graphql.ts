import type { Answer, Json, JsonObject } from '../answer.ts'
import { json, notFound } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { readObject, viewer } from '../exchange.ts'
import { isoTime, nodeId } from '../render/accounts.ts'

/** A field of a query with what is selected below it; null: nothing is. */
interface Field {
  alias: string
  name: string
  selection: Field[] | null
}

/** Thrown for text that is no query that the sandbox can read. */
class QueryError extends Error {}

/** Reads the one query of a document. Arguments, fragments and directives are not understood, and said so. */
function parse(text: string): Field[] {
  const tokens = text.replace(/#[^\n]*/g, '').match(/[{}:]|[A-Za-z_]\w*|\S/g) ?? []
  let position = 0
  const take = () => tokens[position++]
  const selection = (): Field[] => {
    const fields: Field[] = []
    while (tokens[position] !== '}') {
      const first = take()
      if (first === undefined || !/^[A-Za-z_]/.test(first))
        throw new QueryError(`Parse error on "${first ?? 'end of file'}"`)
      let name = first
      if (tokens[position] === ':') {
        position += 1
        name = take() ?? ''
      }
      const nested = tokens[position] === '{'
      if (nested) position += 1
      fields.push({ alias: first, name, selection: nested ? selection() : null })
    }
    position += 1
    return fields
  }
  if (tokens[position] === 'query') position += /^[A-Za-z_]/.test(tokens[position + 1] ?? '') ? 2 : 1
  if (take() !== '{') throw new QueryError('Parse error: only plain queries are understood')
  return selection()
}

function select(
  type: string,
  source: JsonObject,
  fields: readonly Field[],
  path: string[],
  errors: JsonObject[],
): JsonObject {
  const result: JsonObject = {}
  for (const field of fields) {
    const value = field.name === '__typename' ? type : source[field.name]
    if (value === undefined) {
      errors.push({
        path: [...path, field.alias],
        extensions: { code: 'undefinedField', typeName: type, fieldName: field.name },
        locations: [{ line: 1, column: 1 }],
        message: `Field '${field.name}' doesn't exist on type '${type}'`,
      })
    } else result[field.alias] = pick(field, value, [...path, field.alias], errors)
  }
  return result
}

function pick(field: Field, value: Json, path: string[], errors: JsonObject[]): Json {
  if (field.selection === null || value === null || typeof value !== 'object' || Array.isArray(value)) return value
  const type = field.name === 'viewer' ? 'User' : 'RateLimit'
  return select(type, value, field.selection, path, errors)
}

/** `POST {graphql}`: who the viewer is, the rate limit, and honest errors for everything else. */
export async function answerGraphql(exchange: Exchange): Promise<Answer> {
  if (exchange.method !== 'POST') throw notFound(exchange.core.switches.version)
  const user = viewer(exchange)
  const body = await readObject(exchange)
  const { query } = body
  if (typeof query !== 'string')
    return json({ errors: [{ message: 'A query attribute must be specified and must be a string.' }] })
  const { limits, urls } = exchange.core
  const quota = limits.quota(exchange.identity.account, 'graphql')
  const used = quota === null ? 0 : Math.min(quota.used + 1, quota.limit)
  const rateLimit: Json =
    quota === null
      ? null
      : {
          limit: quota.limit,
          cost: 1,
          remaining: quota.limit - used,
          used,
          resetAt: isoTime(quota.reset * 1000),
          nodeCount: 0,
        }
  const root: JsonObject = {
    rateLimit,
    viewer: {
      login: user.login,
      id: nodeId(user.type, user.id),
      databaseId: user.id,
      name: user.name,
      email: user.email ?? '',
      url: `${urls.web}/${user.login}`,
      resourcePath: `/${user.login}`,
    },
  }
  try {
    const errors: JsonObject[] = []
    const data = select('Query', root, parse(query), ['query'], errors)
    return json(errors.length > 0 ? { errors } : { data })
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return json({ errors: [{ message: error.message, locations: [{ line: 1, column: 1 }] }] })
  }
}
