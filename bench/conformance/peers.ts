import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Another cache, run beside Weir as Debian ships it. */
export interface Peer {
  readonly name: 'nginx' | 'Varnish'
  /** The package of Debian and Ubuntu that brings it. */
  readonly package: string
  /** Asks for the version: ends with 0 where it is installed. */
  readonly probe: readonly [command: string, ...argumentList: string[]]
  /** The command that serves in the foreground; may write what it needs into `folder`. */
  command(folder: string, port: number, originPort: number): readonly [command: string, ...argumentList: string[]]
}

/** As the suite's own configuration has it: a cache that revalidates, all else at its default. */
export const nginx: Peer = {
  name: 'nginx',
  package: 'nginx',
  // Debian keeps servers where a user's own PATH may not look.
  probe: ['/usr/sbin/nginx', '-v'],
  command(folder, port, originPort) {
    const file = join(folder, 'nginx.conf')
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${join(folder, name)};`,
    )
    writeFileSync(
      file,
      `daemon off;
pid ${join(folder, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
  ${paths.join('\n  ')}
  proxy_cache_path ${join(folder, 'cache')} keys_zone=suite:8m max_size=1000m inactive=600m use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_http_version 1.1;
      proxy_cache suite;
      proxy_cache_revalidate on;
    }
  }
}
`,
    )
    return ['/usr/sbin/nginx', '-e', 'stderr', '-c', file]
  },
}

/** Nothing is reused beyond what the origin allows, and what is stale is kept for an hour to be revalidated. */
export const varnish: Peer = {
  name: 'Varnish',
  package: 'varnish',
  probe: ['/usr/sbin/varnishd', '-V'],
  command(folder, port, originPort) {
    const file = join(folder, 'suite.vcl')
    writeFileSync(file, `vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "${originPort}"; }\n`)
    const parameters = ['default_ttl=0', 'default_grace=0', 'default_keep=3600'].flatMap((each) => ['-p', each])
    const listen = ['-a', `127.0.0.1:${port}`, '-T', 'none', '-s', 'malloc,64m']
    return ['/usr/sbin/varnishd', '-F', '-j', 'none', '-n', join(folder, 'work'), '-f', file, ...listen, ...parameters]
  },
}

export const peers: readonly Peer[] = [nginx, varnish]

/** What it says of its version, or `undefined` where it is not installed. */
export function versionOf({ probe: [command, ...argumentList] }: Peer): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, argumentList, { encoding: 'utf8', timeout: 20_000 })
  return status === 0 ? /\d+(?:\.\d+)+/.exec(stdout + stderr)?.[0] : undefined
}

export interface RunningPeer {
  readonly origin: string
  stop(): Promise<void>
}

/** The user that owns nothing, which a server started by root becomes. */
const NOBODY = 65_534

/**
 * Starts it in a temporary folder of its own, on a free port of this machine and without privileges.
 *
 * @throws Error with what it wrote, when it ends or does not listen within 20 s
 */
export async function startPeer(peer: Peer, originPort: number): Promise<RunningPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-peer-'))
  const port = await freePort()
  mkdirSync(join(folder, 'work'))
  const [command, ...argumentList] = peer.command(folder, port, originPort)
  const isRoot = process.getuid?.() === 0
  if (isRoot) for (const path of [folder, join(folder, 'work')]) chownSync(path, NOBODY, NOBODY)
  const child = spawn(command, argumentList, {
    cwd: folder,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const stop = async () => {
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await listening(child, port)
  } catch (cause) {
    await stop()
    throw new Error(`${peer.name} does not serve: ${said}`, { cause })
  }
  return { origin: `http://127.0.0.1:${port}`, stop }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exited
  clearTimeout(timer)
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    if (Date.now() > deadline) throw new Error('it does not listen')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Neither of them can say which port it was given where it may choose. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
