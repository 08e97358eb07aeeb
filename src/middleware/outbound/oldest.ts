/** Makes room in what remembers things in the order in which they came: the oldest goes first. */
export function forgetOldest<Key>(remembered: { keys(): Iterator<Key>; delete(key: Key): boolean }): void {
  const { done, value } = remembered.keys().next()
  if (done !== true) remembered.delete(value)
}
