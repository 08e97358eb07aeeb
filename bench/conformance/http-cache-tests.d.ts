/** The parts of the npm package `http-cache-tests` that are used here; it is plain JavaScript. */

declare module 'http-cache-tests/tests/index.mjs' {
  const suites: readonly {
    readonly id: string
    readonly name: string
    readonly tests: readonly {
      readonly id: string
      readonly name: string
      readonly kind?: 'required' | 'optimal' | 'check'
      readonly depends_on?: readonly string[]
      readonly browser_only?: boolean
    }[]
  }[]
  export default suites
}

declare module 'http-cache-tests/client/runner.mjs' {
  export function runTests(
    suites: unknown,
    fetch: (url: string, init: RequestInit) => Promise<unknown>,
    browserCache: boolean,
    base: string,
  ): Promise<void>
  export function getResults(): Record<string, true | readonly [name: string, message: string]>
}

declare module 'http-cache-tests/server/*' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  export default function handle(segments: string[], request: IncomingMessage, response: ServerResponse): void
}
