import { Octokit } from '@octokit/rest'
import { describeOctokit } from './octokit-suite.ts'

describeOctokit('@octokit/rest 22', Octokit)
