import type { FieldError, JsonObject } from '../answer.ts'
import { invalid } from '../answer.ts'

/** Reads the fields of a request body and collects everything that is wrong with them into one 422. */
export class Fields {
  private readonly body: JsonObject
  private readonly resource: string
  private readonly errors: FieldError[] = []

  constructor(body: JsonObject, resource: string) {
    this.body = body
    this.resource = resource
  }

  private wrong(field: string, code: FieldError['code']): void {
    this.errors.push({ resource: this.resource, field, code })
  }

  /** A text that must be there and not be empty. */
  required(field: string): string {
    const value = this.body[field]
    if (value === undefined || value === null || value === '') this.wrong(field, 'missing_field')
    else if (typeof value !== 'string') this.wrong(field, 'invalid')
    return typeof value === 'string' ? value : ''
  }

  /** A text, null, or undefined where the field is absent. */
  text(field: string): string | null | undefined {
    const value = this.body[field]
    if (value === undefined || value === null || typeof value === 'string') return value
    this.wrong(field, 'invalid')
    return undefined
  }

  flag(field: string): boolean | undefined {
    const value = this.body[field]
    if (value === undefined || typeof value === 'boolean') return value
    this.wrong(field, 'invalid')
    return undefined
  }

  /** A list of texts, or of objects with a `name`. */
  names(field: string): string[] | undefined {
    const value = this.body[field]
    if (value === undefined) return undefined
    const list = Array.isArray(value) ? value : []
    const names = list.map((one) =>
      typeof one === 'object' && one !== null && !Array.isArray(one) ? one['name'] : one,
    )
    if (Array.isArray(value) && names.every((name) => typeof name === 'string')) return names as string[]
    this.wrong(field, 'invalid')
    return undefined
  }

  /** One of a few words. */
  choice<T extends string>(field: string, words: readonly T[]): T | undefined {
    const value = this.body[field]
    if (value === undefined) return undefined
    const found = words.find((word) => word === value)
    if (found === undefined) this.wrong(field, 'invalid')
    return found
  }

  /** Notes an error that the route found itself. */
  reject(field: string, code: FieldError['code']): void {
    this.wrong(field, code)
  }

  /** @throws Refusal 422 where anything was wrong */
  check(): void {
    if (this.errors.length > 0) throw invalid(...this.errors)
  }
}

/** The entries of `change` that are not undefined: what a PATCH really names. */
export function given<T extends object>(change: { [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<T>
}
