import type { Exchange } from './exchange.ts'

/** One page of a list, and the `Link` header that belongs to it: `['Link', value]`, or nothing. */
export interface Page<T> {
  items: T[]
  headers: string[]
}

function positive(value: string | null, fallback: number): number {
  const number = Number(value)
  return value !== null && Number.isInteger(number) && number > 0 ? number : fallback
}

/**
 * Cuts a page of 30, or `per_page` up to 100, out of a list. `Link` repeats the query with another `page`, in
 * GitHub's order of relations: prev, next, last, first.
 *
 * @param path where the links point, below the API root: GitHub names repositories, users and organisations by id there
 * @param fixedSize for the endpoints that do not respect `per_page`
 */
export function paginate<T>(exchange: Exchange, all: readonly T[], path: string, fixedSize?: number): Page<T> {
  const { query } = exchange
  const size = fixedSize ?? Math.min(positive(query.get('per_page'), 30), 100)
  const page = positive(query.get('page'), 1)
  const last = Math.max(Math.ceil(all.length / size), 1)
  const link = (number: number, relation: string) => {
    const parameters = new URLSearchParams(query)
    parameters.delete('access_token')
    parameters.set('page', String(number))
    return `<${exchange.core.urls.api}${path}?${parameters}>; rel="${relation}"`
  }
  const links: string[] = []
  if (page > 1) links.push(link(Math.min(page - 1, last), 'prev'))
  if (page < last) links.push(link(page + 1, 'next'), link(last, 'last'))
  if (page > 1) links.push(link(1, 'first'))
  return {
    items: all.slice((page - 1) * size, page * size),
    headers: links.length === 0 ? [] : ['Link', links.join(', ')],
  }
}
