/**
 * `X-Request-Id`: an id that a client or a proxy sends is kept, so that one id follows a request through every log.
 */

/**
 * Nothing that could end a header line, a JSON string or a log line, or mean something to a terminal or a shell.
 * The underscore is left out on purpose: GitHub's tokens (`ghp_…`, `github_pat_…`) all have one, so a token that was put
 * into the wrong field never reaches a log; nor does 40 hex, the form of its older ones. UUIDs, ULIDs, W3C and AWS trace ids pass.
 */
const ACCEPTABLE = /^(?![0-9a-f]{40}$)[A-Za-z0-9.:+/=@-]{1,128}$/i

/**
 * The id as the client sent it where it is 1 to 128 characters of `A-Z a-z 0-9 . : + / = @ -`, else `undefined`: it is
 * ignored as a whole (a trimmed id would match nothing in the sender's log) and the gateway makes one of its own.
 */
export function acceptRequestId(value: string | undefined): string | undefined {
  return value !== undefined && ACCEPTABLE.test(value) ? value : undefined
}

/**
 * Makes ids of the form `k3v9q2m1x0f4-1a`: 12 random characters that are the same for all ids of this generator, then a
 * counter in base 36. Randomness is drawn once, because a random id for each request costs more than the rest of the id
 * handling together. On runtimes that forbid randomness while modules load, make the generator with the first request.
 */
export function createRequestIds(): () => string {
  const random = crypto.getRandomValues(new Uint8Array(12))
  const prefix = Array.from(random, (byte) => (byte % 36).toString(36)).join('')
  let count = 0
  return () => `${prefix}-${(count++).toString(36)}`
}
