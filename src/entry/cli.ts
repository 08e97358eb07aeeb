#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseSettings, SettingsError } from '../config.ts'
import { version } from '../version.ts'
import { exitCodes, parseArguments } from './arguments.ts'
import { type RunningGateway, startGateway } from './node.ts'

/** A failure to start that is not a matter of settings: the port is taken, a certificate does not fit its key. */
const CANNOT_START = 1

const readText = (path: string): string => readFileSync(path, 'utf8')

async function main(): Promise<void> {
  // A reader that has seen enough (`weir --help | head`) is no reason for a stack trace.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const parsed = parseArguments(process.argv.slice(2), process.env)
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(`${parsed.text}\n`)
      return
    case 'version':
      process.stdout.write(`${version}\n`)
      return
    case 'error':
      fail(exitCodes.usage, parsed.message)
      return
    case 'run':
      await run(parsed.environment)
  }
}

async function run(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  let gateway: RunningGateway
  try {
    const settings = parseSettings(environment, readText)
    gateway = await startGateway(settings)
    gateway.log.logger.info(`weir ${version} listens on ${gateway.origin} for ${settings.upstream.origin}`)
  } catch (thrown) {
    if (thrown instanceof SettingsError)
      fail(exitCodes.usage, `weir cannot start with these settings:\n${thrown.message}`)
    else fail(CANNOT_START, `weir cannot start: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return
  }
  stopOnSignal(gateway)
}

/** The first signal lets requests in flight finish, a second one ends the process at once. */
function stopOnSignal(gateway: RunningGateway): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      gateway.kill()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
    stopping = true
    gateway.log.logger.info(`${signal}: finishing the requests in flight; a second signal ends at once`)
    gateway.stop().then(
      () => process.exit(exitCodes.ok),
      () => process.exit(CANNOT_START),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function fail(code: number, message: string): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = code
}

await main()
