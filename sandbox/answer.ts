import type { Readable } from 'node:stream'
import { documentation } from './urls.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** A body that is made while it is sent. */
export interface BodySource {
  /** Bytes. */
  length: number
  /** Bytes from `start` up to and not including `end`. */
  open(start: number, end: number): Readable
}

/** What a route says; status line, common headers, validators and framing are added on the way out. */
export interface Answer {
  status: number
  /** Headers that belong to this answer only: `[name, value, …]`. */
  headers: readonly string[]
  body: Buffer | BodySource | null
  contentType: string | null
  /** A validator of the representation itself (a git object id); otherwise the switch's rule makes one. */
  etag?: string
  /** Epoch milliseconds. */
  lastModified?: number | null
  /** Replaces the `Cache-Control` of the kind. */
  cacheControl?: string
  /** Raw and binary representations answer ranges. */
  ranges?: boolean
  /** Scopes of which the route wants one. */
  acceptedScopes?: string
}

export const JSON_TYPE = 'application/json; charset=utf-8'

/** An answer that ends the handling of a request from anywhere. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.name = 'Refusal'
    this.answer = answer
  }
}

/** A JSON answer. */
export function json(value: Json, more: Partial<Answer> = {}): Answer {
  return { status: 200, headers: [], contentType: JSON_TYPE, body: Buffer.from(JSON.stringify(value)), ...more }
}

/** 204 and its like. */
export function empty(status = 204, headers: readonly string[] = []): Answer {
  return { status, headers, contentType: null, body: null }
}

export function notFound(version: string, message = 'Not Found'): Refusal {
  return new Refusal(json({ message, documentation_url: documentation(version) }, { status: 404 }))
}

export function forbidden(version: string, message: string): Refusal {
  return new Refusal(json({ message, documentation_url: documentation(version) }, { status: 403 }))
}

export function unauthorized(version: string, message: string, headers: readonly string[] = []): Refusal {
  return new Refusal(json({ message, documentation_url: documentation(version) }, { status: 401, headers }))
}

/** 400 in the documented words, which carry no documentation URL. */
export function badRequest(message: string): Refusal {
  return new Refusal(json({ message }, { status: 400 }))
}

export interface FieldError {
  resource: string
  field: string
  code: 'missing' | 'missing_field' | 'invalid' | 'already_exists' | 'unprocessable' | 'custom'
  message?: string
}

/** 422 in the documented shape. */
export function invalid(...errors: FieldError[]): Refusal {
  return new Refusal(
    json(
      { message: 'Validation Failed', errors: errors.map((error) => ({ ...error }) as JsonObject) },
      { status: 422 },
    ),
  )
}
