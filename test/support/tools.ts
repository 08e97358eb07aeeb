import { spawnSync } from 'node:child_process'
import { describe, test } from 'vitest'

/** A program that some tests need and npm cannot bring. */
export interface Tool {
  /** What it is called in messages. */
  readonly name: string
  /** Ends with 0 where the tool is installed. */
  readonly probe: readonly [command: string, ...argumentList: string[]]
  /** The package of Debian and Ubuntu that brings it. */
  readonly package: string
}

/** Debian's own Python, since a Python from elsewhere does not see Debian's packages. */
export const PYTHON = '/usr/bin/python3'

export const OPENSSL: Tool = { name: 'openssl', probe: ['openssl', 'version'], package: 'openssl' }
export const PYGITHUB: Tool = { name: 'PyGithub', probe: [PYTHON, '-c', 'import github'], package: 'python3-github' }
export const OCTOKIT_RB: Tool = { name: 'octokit.rb', probe: ['ruby', '-roctokit', '-e', ''], package: 'ruby-octokit' }
export const GITHUB_CLI: Tool = { name: 'GitHub CLI', probe: ['gh', '--version'], package: 'gh' }

/** Those of the tools that are not installed. */
export function missingTools(tools: readonly Tool[]): Tool[] {
  return tools.filter(({ probe: [command, ...argumentList] }) => {
    const { status } = spawnSync(command, argumentList, { stdio: 'ignore', timeout: 60_000 })
    return status !== 0
  })
}

/**
 * A `describe` that needs tools. Where one is missing its tests are skipped and the reason is printed with the line
 * that installs it; with `REQUIRE_CLIENTS=1` they fail instead, so that a build machine cannot lose them unnoticed.
 */
export function describeWithTools(title: string, tools: readonly Tool[], suite: () => void): void {
  const missing = missingTools(tools)
  if (missing.length === 0) {
    describe(title, suite)
    return
  }
  const names = missing.map(({ name }) => name).join(' and ')
  const packages = missing.map((tool) => tool.package).join(' ')
  const reason = `${names} not installed; to install: apt-get install -y ${packages}`
  if (process.env['REQUIRE_CLIENTS'] === '1') {
    test(title, () => {
      throw new Error(`${reason} (REQUIRE_CLIENTS=1 makes this an error)`)
    })
    return
  }
  console.warn(`skipped: ${title}: ${reason}`)
  describe.skip(title, suite)
}
