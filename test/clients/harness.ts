import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { expect } from 'vitest'
import type { LogEntry, Sandbox } from '../../sandbox/index.ts'
import { startSandbox } from '../../sandbox/index.ts'
import type { TestGateway } from '../support/gateway.ts'
import { testGateway } from '../support/gateway.ts'

/** The gateway in front of the sandbox, as a client's operator would set it up. */
export interface Stage {
  readonly sandbox: Sandbox
  readonly gateway: TestGateway
  close(): Promise<void>
}

/** Starts both. Rate limits are on, so that clients have numbers to read. */
export async function openStage(environment: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const sandbox = await startSandbox({ switches: { rateLimits: {} } })
  const gateway = await testGateway({ WEIR_UPSTREAM: sandbox.origin, ...environment })
  const close = async () => {
    gateway.kill()
    await sandbox.close()
  }
  return { sandbox, gateway, close }
}

/**
 * Requires that everything the upstream was asked since its log was last cleared, and at least one request, came
 * through the gateway, which names itself: a client that followed an unrewritten URL would have come directly.
 */
export function expectOnlyThroughGateway({ sandbox }: Stage): void {
  const { entries } = sandbox.log
  expect(entries.length).toBeGreaterThan(0)
  expect(entries.filter(({ headers }) => !headers['user-agent']?.startsWith('weir/')).map(describeEntry)).toEqual([])
}

/** Runs reads that were made before and requires that the upstream charged nothing for them and sent no body again. */
export async function expectFree<T>(stage: Stage, reads: () => Promise<T>): Promise<T> {
  const { log } = stage.sandbox
  log.clear()
  const result = await reads()
  expectOnlyThroughGateway(stage)
  expect(log.entries.filter(({ cost }) => cost > 0).map(describeEntry)).toEqual([])
  expect(log.totalCost()).toBe(0)
  return result
}

/** Addresses of the upstream's APIs in anything that a client was given; web pages and archives stay upstream's. */
export function upstreamApiAddresses({ sandbox }: Stage, seen: unknown): string[] {
  const text = JSON.stringify(seen)
  return text.match(new RegExp(`${sandbox.origin.replaceAll('.', '\\.')}/api/[^"\\s]*`, 'g')) ?? []
}

/** The requests that the upstream saw, as `METHOD target status`. */
export function describeEntry({ method, target, status }: LogEntry): string {
  return `${method} ${target} ${status}`
}

/** How a program ended. */
export interface Finished {
  /** Exit code; a program that a signal ended has -1. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a client's program in an environment that holds nothing of the machine's but `PATH`: no proxy, no token and no
 * configuration of whoever runs the tests.
 */
export function runProgram(
  command: string,
  argumentList: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LANG: 'C.UTF-8', ...environment }
  return new Promise((resolve) => {
    const options = { env, cwd: tmpdir(), maxBuffer: 64 * 1024 * 1024, timeout: 20_000 }
    execFile(command, argumentList, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** Runs a program that prints one JSON document. @throws Error with what it wrote to stderr, should it fail */
export async function runForJson(
  command: string,
  argumentList: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const { code, stdout, stderr } = await runProgram(command, argumentList, environment)
  if (code !== 0) throw new Error(`${command} ${argumentList[0] ?? ''} ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout)
}
