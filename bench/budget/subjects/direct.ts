import type { StartSubject } from '../subjects.ts'
import { API_PATH, AUTHORIZATION, ORIGIN } from '../upstream.ts'

/** A plain reverse proxy: passes everything on at once, and every answer back as it is. */
export const startDirect: StartSubject = ({ send }) => ({
  ask: ({ target, signal }) =>
    send({
      method: 'GET',
      origin: ORIGIN,
      target: `${API_PATH}${target}`,
      headers: ['authorization', AUTHORIZATION, 'accept', 'application/vnd.github+json'],
      body: null,
      bodyLength: undefined,
      signal,
    }),
})
