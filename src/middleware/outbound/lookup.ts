import type { CacheStore, MaybePromise, Validation } from '../../ports.ts'
import type { StoredAnswer } from './exchange.ts'

/**
 * The validation under a key with its body; a validation whose body is gone is a miss. Answers at once where the store
 * does: a fresh hit waits for nothing.
 */
export function lookup(store: CacheStore, key: string): MaybePromise<StoredAnswer | undefined> {
  const validation = store.validation(key)
  if (validation === undefined) return undefined
  if (validation instanceof Promise) return lookupLater(store, validation)
  const body = store.body(validation.bodyKey)
  if (body instanceof Promise) return body.then((found) => found && { validation, body: found })
  return body && { validation, body }
}

async function lookupLater(
  store: CacheStore,
  pending: Promise<Validation | undefined>,
): Promise<StoredAnswer | undefined> {
  const validation = await pending
  if (validation === undefined) return undefined
  const body = await store.body(validation.bodyKey)
  return body && { validation, body }
}
