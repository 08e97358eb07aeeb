import { createHash } from 'node:crypto'
import type { Commit } from './model.ts'

/** The git id of a blob: SHA-1 over `blob <length>\0` and the content. */
export function blobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
}

/** A commit that adds `path`. Its id depends on everything it says, as a real one does. */
export function makeCommit(
  parent: string,
  file: { path: string; content: Buffer },
  message: string,
  author: string,
  date: number,
): Commit {
  const sha = createHash('sha1')
    .update(`${parent}\n${file.path}\n${blobId(file.content)}\n${message}\n${date}`)
    .digest('hex')
  return { sha, message, author, date, diff: diffOf(file.path, file.content) }
}

function diffOf(path: string, content: Buffer): string {
  const lines = content.toString('utf8').split('\n').slice(0, 50)
  return [
    `diff --git a/${path} b/${path}`,
    '--- /dev/null',
    `+++ b/${path}`,
    `@@ -0,0 +1,${lines.length} @@`,
    ...lines.map((line) => `+${line}`),
    '',
  ].join('\n')
}
