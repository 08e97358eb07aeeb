import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { parseSettings } from '../config.ts'

/**
 * Asks the gateway of this machine whether it lives, with the same environment that started it, and exits with 0 or 1:
 * the container's HEALTHCHECK. (Settings that were given as flags are not known here.)
 */
const TIMEOUT_MS = 3_000

function isAlive(): Promise<boolean> {
  const { host, port, tls } = parseSettings(process.env, (path) => readFileSync(path, 'utf8')).listen
  // Who listens everywhere listens here too.
  const hostname = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const options = { hostname, port, path: '/_weir/healthz', timeout: TIMEOUT_MS, agent: false }
  return new Promise((resolve) => {
    // The certificate is made out for the name that clients use, not for this one; nothing secret is sent or believed.
    const question = tls === undefined ? httpRequest(options) : httpsRequest({ ...options, rejectUnauthorized: false })
    question.once('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    question.once('timeout', () => question.destroy())
    question.once('error', () => resolve(false))
    question.once('close', () => resolve(false))
    question.end()
  })
}

let alive = false
try {
  alive = await isAlive()
} catch (thrown) {
  // Settings that cannot be read cannot have started anything.
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
}
process.exitCode = alive ? 0 : 1
