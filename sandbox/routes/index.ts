import type { Route } from '../router.ts'
import { ACCOUNT_ROUTES } from './accounts.ts'
import { ACTIVITY_ROUTES } from './activity.ts'
import { CONTENT_ROUTES } from './contents.ts'
import { INTEGRATION_ROUTES } from './integrations.ts'
import { ISSUE_ROUTES } from './issues.ts'
import { LABEL_ROUTES } from './labels.ts'
import { META_ROUTES } from './meta.ts'
import { RELEASE_ROUTES } from './releases.ts'
import { REPOSITORY_ROUTES } from './repositories.ts'
import { SEARCH_ROUTES } from './search.ts'

/** Every REST endpoint of the living model. Where two patterns fit, the earlier one is meant. */
export const ROUTES: readonly Route[] = [
  ...META_ROUTES,
  ...ACCOUNT_ROUTES,
  ...ISSUE_ROUTES,
  ...LABEL_ROUTES,
  ...CONTENT_ROUTES,
  ...RELEASE_ROUTES,
  ...ACTIVITY_ROUTES,
  ...INTEGRATION_ROUTES,
  ...SEARCH_ROUTES,
  ...REPOSITORY_ROUTES,
]
