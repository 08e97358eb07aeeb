import { createHmac, timingSafeEqual } from 'node:crypto'

const KEY = 'the sandbox signs its downloads with this'
const LIFETIME_SECONDS = 300

function signature(path: string, expires: number): string {
  return createHmac('sha256', KEY).update(`${path}\n${expires}`).digest('hex')
}

/** A path that is good for five minutes from `now` (epoch milliseconds), whoever asks. */
export function signedPath(path: string, now: number): string {
  const expires = Math.floor(now / 1000) + LIFETIME_SECONDS
  return `${path}?expires=${expires}&signature=${signature(path, expires)}`
}

/** Whether a signed path is still good at `now` (epoch milliseconds). */
export function isSigned(path: string, query: URLSearchParams, now: number): boolean {
  const expires = Number(query.get('expires'))
  const given = Buffer.from(query.get('signature') ?? '')
  const expected = Buffer.from(signature(path, expires))
  return expires * 1000 > now && given.length === expected.length && timingSafeEqual(given, expected)
}
