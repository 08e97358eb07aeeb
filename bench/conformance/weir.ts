/**
 * The settings with which the suite runs against Weir: the origin's REST API lies at `/`, the fields that the tests vary
 * by go upstream, and so do those by which the origin tells requests apart, which no cache may vary by.
 */
export function weirSettings(origin: string): Record<string, string> {
  return {
    PORT: '0',
    WEIR_LOG: 'off',
    WEIR_UPSTREAM: origin,
    WEIR_UPSTREAM_API_PATH: '/',
    WEIR_MANAGE_UPSTREAM: 'off',
    WEIR_FORWARD_HEADERS: 'Foo,Bar,Baz,Abc,Accept-Language',
    WEIR_TRACE_HEADERS: 'Test-ID,Test-Name,Req-Num',
  }
}
