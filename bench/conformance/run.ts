import { parseSettings } from '../../src/config.ts'
import { startGateway } from '../../src/entry/node.ts'
import { startOrigin } from './origin.ts'
import { peers, startPeer } from './peers.ts'
import { type Results, runSuite } from './suite.ts'
import { weirSettings } from './weir.ts'

/*
 * One run of the suite, in a process of its own: the suite keeps state in its modules. Which subject comes as the first
 * argument; the results go out by IPC.
 */

async function run(name: string): Promise<Results> {
  const origin = await startOrigin()
  try {
    if (name === 'Weir') {
      const gateway = await startGateway(parseSettings(weirSettings(origin.origin), () => ''))
      const results = await runSuite(`${gateway.origin}/api/v3`)
      gateway.kill()
      return results
    }
    const peer = peers.find((each) => each.name === name)
    if (peer === undefined) return await runSuite(origin.origin)
    const running = await startPeer(peer, origin.port)
    try {
      return await runSuite(running.origin)
    } finally {
      await running.stop()
    }
  } finally {
    await origin.close()
  }
}

const results = await run(process.argv[2] ?? '')
process.send?.(results, () => process.exit(0))
