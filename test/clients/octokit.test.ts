import { Octokit } from 'octokit'
import { describeOctokit } from './octokit-suite.ts'

// With its plugins for throttling and retrying: they pace writes and searches, and must find nothing to retry.
describeOctokit('octokit 5', Octokit)
