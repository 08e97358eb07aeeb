/**
 * Whether a text is a name that can stand in a field, a label, a key and a line of a log as it is: 1 to 64 letters, digits,
 * `.`, `_` and `-`.
 */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(text)
}
