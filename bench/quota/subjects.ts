import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { headersOf } from './expected.ts'
import { clientOf, type Reply } from './http.ts'
import type { Read } from './trace.ts'

/** A way to read, started afresh in front of an upstream. */
export interface Running {
  /** What stands in its answers instead of the upstream's address. */
  readonly origin: string
  ask(read: Read): Promise<Reply>
  stop(): Promise<void>
}

export type Start = (upstream: string) => Promise<Running>

/** Every read goes to the upstream. */
export const direct: Start = async (upstream) => readingFrom(upstream, async () => undefined)

/**
 * A cache in the client, as the usual proxies are one: keyed by `Authorization`, `Accept` and target, always revalidated
 * with the entity tag that came last. On a 304 without `Link` the stored one is used.
 */
export const perToken: Start = async (upstream) => {
  const client = clientOf(upstream)
  const kept = new Map<string, { tag: string; reply: Reply }>()
  return {
    origin: upstream,
    async ask(read) {
      const key = `${read.authorization}\n${read.accept}\n${read.target}`
      const known = kept.get(key)
      const condition = known === undefined ? {} : { 'if-none-match': known.tag }
      const reply = await client.get(`/api/v3${read.target}`, { ...headersOf(read), ...condition })
      if (reply.status === 304 && known !== undefined) {
        return { ...known.reply, link: reply.link ?? known.reply.link }
      }
      if (reply.status === 200 && reply.etag !== undefined) kept.set(key, { tag: reply.etag, reply })
      return reply
    },
    stop: async () => client.close(),
  }
}

/** The gateway as it ships, with the settings it has when none are given. */
export const weir: Start = async (upstream) => {
  const cli = fileURLToPath(new URL('../../src/entry/cli.js', import.meta.url))
  const child = spawn(process.execPath, [cli], {
    env: { PATH: process.env['PATH'], WEIR_UPSTREAM: upstream, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  endWithThisProcess(child)
  const origin = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // The log is read to its end, or the gateway would wait for its reader; only its first lines matter.
      if (said.length > 10_000) return
      said += text
      const [, found] = /listens on (http:\/\/[^\s"]+)/.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`the gateway did not start: ${said}`)))
  })
  return readingFrom(origin, () => stopChild(child))
}

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0
}

/**
 * nginx with a cache keyed by `Authorization`, `Accept` and target, revalidating what is older than the `max-age` of GitHub's
 * answers. `private` is ignored: nginx would keep nothing, and the key does what `private` is for.
 */
export const nginx: Start = async (upstream) => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-nginx-'))
  const port = await freePort()
  writeFileSync(join(directory, 'nginx.conf'), nginxConfiguration(directory, port, new URL(upstream).host))
  const child = spawn(
    'nginx',
    ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', join(directory, 'error.log')],
    {
      stdio: 'ignore',
    },
  )
  endWithThisProcess(child)
  const origin = `http://127.0.0.1:${port}`
  await untilItAnswers(origin, child)
  return readingFrom(origin, async () => {
    await stopChild(child)
    rmSync(directory, { recursive: true, force: true })
  })
}

function nginxConfiguration(directory: string, port: number, upstream: string): string {
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${directory}/client;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  proxy_cache_path ${directory}/cache keys_zone=github:10m max_size=256m;
  upstream github { server ${upstream}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location = /bench-ready { return 204; }
    location / {
      proxy_pass http://github;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${upstream};
      proxy_cache github;
      proxy_cache_key "$http_authorization $http_accept $request_uri";
      proxy_cache_revalidate on;
      proxy_ignore_headers Cache-Control Vary;
      proxy_cache_valid 200 60s;
    }
  }
}
`
}

function readingFrom(origin: string, stop: () => Promise<unknown>): Running {
  const client = clientOf(origin)
  return {
    origin,
    ask: (read) => client.get(`/api/v3${read.target}`, headersOf(read)),
    async stop() {
      client.close()
      await stop()
    },
  }
}

/** A child must not outlive this process, however it ends. */
function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill()
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function untilItAnswers(origin: string, child: ChildProcess): Promise<void> {
  const client = clientOf(origin)
  for (let left = 200; left > 0; left--) {
    const isUp = await client.get('/bench-ready', {}).then(
      () => true,
      () => false,
    )
    if (isUp) {
      client.close()
      return
    }
    if (child.exitCode !== null) throw new Error('nginx did not start')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('nginx does not answer')
}
