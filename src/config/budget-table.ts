/** The settings of the budget, as rows of the table (table.ts). */

import { parseAccountsFile } from './accounts-file.ts'
import { parseClientsFile } from './clients-file.ts'
import { setting } from './setting.ts'
import {
  parseApplicationPart,
  parseDuration,
  parsePlainName,
  parseShareOrPercentage,
  parseWhole,
  ValueProblem,
} from './values.ts'

/** What one write counts (GitHub, "Rate limits for the REST API", on points): fewer points a minute would let none through. */
const POINTS_OF_A_WRITE = 5

export const budgetSettings = {
  staleOnLimit: setting({
    name: 'WEIR_STALE_ON_LIMIT',
    placeholder: 'duration',
    meaning:
      "how long the **same credential's** copy may be used unconfirmed where a rate limit keeps the upstream from being asked; `0s`: never. As for `WEIR_STALE_ON_ERROR`, only a duration that is set here counts against `must-revalidate`, and against the `s-maxage` of public answers, too",
    wanted: 'a duration such as 15m or 0s',
    fallback: { described: '`15m`' },
    parse: (text) => parseDuration(text, { atLeastMilliseconds: 0 }),
  }),
  reserve: setting({
    name: 'WEIR_RESERVE',
    placeholder: 'share',
    meaning:
      'share of each rate limit that requests with `X-Weir-Priority: background` may not touch: `0` to `1`, or a percentage',
    wanted: 'a share from 0 to 1 or a percentage, such as 0.1 or 10%',
    fallback: { literal: '10%' },
    parse: parseShareOrPercentage,
  }),
  maxWait: setting({
    name: 'WEIR_MAX_WAIT',
    placeholder: 'duration',
    meaning:
      'how long a request may wait for a rate limit to leave room, or for the end of a pause that the upstream asked for, before it is refused; `0s`: not at all',
    wanted: 'a duration such as 5s or 0s',
    fallback: { literal: '5s' },
    parse: (text) => parseDuration(text, { atLeastMilliseconds: 0 }),
  }),
  concurrency: setting({
    name: 'WEIR_CONCURRENCY',
    placeholder: 'count',
    meaning: "most requests of one account on their way upstream at a time (GitHub's own limit is 100)",
    wanted: 'a whole number from 1 to 65535, such as 80',
    fallback: { literal: '80' },
    parse: (text) => parseWhole(text, 1, 65_535),
  }),
  pointsPerMinute: setting({
    name: 'WEIR_POINTS_PER_MINUTE',
    placeholder: 'count',
    meaning:
      "most points of one account in a minute for REST, where the upstream limits: a read is 1, a write 5 (GitHub's own limit is 900); `0`: not counted",
    wanted: 'a whole number from 5 to 1000000, such as 900, or 0',
    fallback: { literal: '900' },
    parse: (text) => {
      const points = parseWhole(text, 0, 1_000_000)
      if (points > 0 && points < POINTS_OF_A_WRITE) throw new ValueProblem('which no write would fit in')
      return points
    },
  }),
  writeInterval: setting({
    name: 'WEIR_WRITE_INTERVAL',
    placeholder: 'duration',
    meaning: 'time between two writes of one account, where the upstream limits; `0s`: none',
    wanted: 'a duration such as 1s or 0s',
    fallback: { literal: '1s' },
    parse: (text) => parseDuration(text, { atLeastMilliseconds: 0 }),
  }),
  accounts: setting({
    name: 'WEIR_ACCOUNTS_FILE',
    placeholder: 'file',
    meaning:
      'JSON file that says which tokens the upstream charges to one account: `{"octocat": ["<hash>", …], "installation:1234": […]}`, by a user\'s login or `installation:<id>`, `application:<client id>`. A hash is the `hashed_token` of GitHub\'s audit log, base64 of SHA-256 of the token: `printf %s "$TOKEN" | openssl dgst -sha256 -binary | base64`',
    wanted:
      'the path of a JSON file such as {"octocat": ["<hash>"]}, each hash made by: printf %s "$TOKEN" | openssl dgst -sha256 -binary | base64',
    fallback: { described: 'none: a token is an account of its own until the upstream says whose it is' },
    parse: parseAccountsFile,
  }),
  sharedEgress: setting({
    name: 'WEIR_SHARED_EGRESS',
    placeholder: 'name',
    meaning:
      'name of the address that requests without a credential leave from, where several gateways share one: their rate limits are counted under that name',
    wanted: 'a name of 1 to 64 letters, digits, ".", "_" and "-", such as nat-1',
    fallback: { described: 'each process counts for itself' },
    parse: parsePlainName,
  }),
  anonymousClientId: setting({
    name: 'WEIR_ANONYMOUS_CLIENT_ID',
    placeholder: 'id',
    meaning:
      'client id of an OAuth application, in whose name requests without a credential go upstream: that raises their rate limit. No client sees it',
    wanted: 'the client id of an OAuth application, such as 0123456789abcdef0123',
    fallback: { described: 'none' },
    parse: parseApplicationPart,
  }),
  anonymousClientSecret: setting({
    name: 'WEIR_ANONYMOUS_CLIENT_SECRET',
    placeholder: 'text',
    meaning: 'the secret of the application that `WEIR_ANONYMOUS_CLIENT_ID` names',
    wanted: 'the client secret of the OAuth application, such as GitHub shows when it is made',
    fallback: { described: 'none' },
    secret: true,
    parse: parseApplicationPart,
  }),
  clients: setting({
    name: 'WEIR_CLIENTS_FILE',
    placeholder: 'file',
    meaning:
      'JSON file of the apps that have a share of their own when a rate limit is tight: `{"ci": "<key>", "dashboards": ["<key>", "<next key>"]}`. An app sends its key, 16 characters or more, as `X-Weir-Key`; without one it shares what its address has',
    wanted: 'the path of a JSON file such as {"ci": "<key>"}, each key of its own, made by: openssl rand -hex 16',
    fallback: { described: 'none: shares go by address' },
    parse: parseClientsFile,
  }),
} as const
