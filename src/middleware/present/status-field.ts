import { headerValue, withHeader } from '../../http/headers.ts'
import type { HeaderList } from '../../ports.ts'

/** `Status`, which older GHES sends, must say what the status line says. */
export function withStatus(fields: HeaderList, status: string): HeaderList {
  return headerValue(fields, 'status') !== undefined ? withHeader(fields, 'status', status) : fields
}
