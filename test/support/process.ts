import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The command line as it ships: compiled with the build's own settings, into a folder that no other build touches. */
export interface BuiltCli {
  /** Path of the entry that `bin` names. */
  readonly path: string
  /** Those that were started and have not ended. */
  readonly running: Set<ChildProcess>
  /** Deletes it, and ends what still runs: a test that fails half-way must not leave a gateway behind. */
  remove(): void
}

/** Compiles without checking types, which `npm run check` does. */
export async function buildCli(): Promise<BuiltCli> {
  const parent = join(ROOT, 'node_modules/.cache')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'weir-'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = ['-p', join(ROOT, 'tsconfig.build.json'), '--noCheck', '--outDir', directory]
  await promisify(execFile)(process.execPath, [compiler, ...options])
  const running = new Set<ChildProcess>()
  return {
    path: join(directory, 'src/entry/cli.js'),
    running,
    remove: () => {
      for (const child of running) child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** What a process has said and how it ended. */
export interface Running {
  readonly child: ChildProcess
  /** Everything so far. */
  output(): string
  errors(): string
  /** Resolves with what has been written to stdout once it matches; rejects when the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Starts the command line with exactly these variables. */
export function runCli(cli: BuiltCli, args: readonly string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [cli.path, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  cli.running.add(child)
  child.once('close', () => cli.running.delete(child))
  let output = ''
  let errors = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    for (const watcher of watchers) watcher()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  return {
    child,
    output: () => output,
    errors: () => errors,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output)
          if (match === null) return
          watchers.delete(look)
          resolve(match)
        }
        watchers.add(look)
        look()
        void ended.then((how) => reject(new Error(`ended with ${how}: ${output}${errors}`)))
      }),
  }
}

/** A gateway in a process of its own. */
export interface GatewayProcess extends Running {
  readonly origin: string
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<number | NodeJS.Signals>
}

/** Starts a gateway on a free port, with its log as JSON on stdout, and waits until it listens. */
export async function startGatewayProcess(cli: BuiltCli, environment: Record<string, string>): Promise<GatewayProcess> {
  const running = runCli(cli, [], { PORT: '0', WEIR_LOG: 'json', ...environment })
  const [, origin = ''] = await running.said(/listens on (https?:\/\/[^\s"]+)/)
  return {
    ...running,
    origin,
    stop: () => {
      running.child.kill('SIGTERM')
      return running.ended
    },
  }
}

/** Present and greatest resident memory of a process, bytes, as Linux counts it. */
export function residentMemory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { now: kibibytes('VmRSS'), peak: kibibytes('VmHWM') }
}
