# frozen_string_literal: true

# Drives octokit.rb as an application would and prints what it saw as one JSON document.
#
# Usage: octokit.rb reads|writes API_ENDPOINT TOKEN [FILE_TO_UPLOAD]

require 'json'
require 'octokit'

# The class, status and reasons of the error that the block ends with.
def failure
  yield
  nil
rescue Octokit::Error => e
  { type: e.class.name, status: e.response_status, errors: e.errors }
end

def reads(endpoint, token)
  client = Octokit::Client.new(api_endpoint: endpoint, access_token: token)
  pages = [client.issues('octo-org/many-issues', per_page: 30, state: 'all')]
  links = []
  response = client.last_response
  3.times do
    links << response.rels[:next].href
    response = response.rels[:next].get
    pages << response.data
  end
  hello = client.repository('octocat/hello-world')
  tag = client.last_response.headers['etag']
  client.get('repos/octocat/hello-world', headers: { 'If-None-Match' => tag })
  conditional = client.last_response.status
  {
    login: client.user.login,
    pages: pages.map { |page| page.map(&:number) },
    links: links,
    raw: pages.first.first(2).map(&:to_attrs),
    repository: hello.to_attrs,
    owner: hello.owner.rels[:self].get.data.name,
    issue: hello.rels[:issues].get(uri: { number: 1 }).data.title,
    file: client.contents('octocat/hello-world', path: 'docs/links.md').content.unpack1('m'),
    raw_file: client.contents('octocat/hello-world', path: 'links.json', accept: 'application/vnd.github.raw'),
    found: client.search_issues('problem repo:octocat/hello-world label:bug').items.map(&:title),
    conditional: conditional
  }
end

def writes(endpoint, token, path)
  client = Octokit::Client.new(api_endpoint: endpoint, access_token: token)
  everything = Octokit::Client.new(api_endpoint: endpoint, access_token: token, auto_paginate: true)
  issue = client.create_issue('octocat/hello-world', 'Made by octokit.rb', 'With a body', labels: 'bug')
  comment = client.add_comment('octocat/hello-world', issue.number, 'A comment by octokit.rb')
  client.close_issue('octocat/hello-world', issue.number)
  release = client.release_for_tag('octocat/hello-world', 'v1.0.0')
  asset = client.upload_asset(release.url, path, content_type: 'application/octet-stream', name: 'octokit rb.bin')
  moved = client.create_issue('octocat/old-name', 'By the old name')
  limit = client.rate_limit!
  {
    renamed: client.repository('octocat/old-name').full_name,
    moved: moved.url,
    all: everything.issues('octo-org/many-issues', state: 'all').length,
    issue: { number: issue.number, url: issue.url, state: client.issue('octocat/hello-world', issue.number).state },
    comment: comment.url,
    comments: issue.rels[:comments].get.data.map(&:body),
    asset: { size: asset.size, url: asset.url, upload_url: release.upload_url },
    asset_names: client.release_assets(release.url).map(&:name),
    archive: client.archive_link('octocat/hello-world'),
    validation: failure { client.add_label('octocat/hello-world', 'bug', 'ffffff') },
    credentials: failure { Octokit::Client.new(api_endpoint: endpoint, access_token: 'ghp_wrong').user },
    missing: failure { client.repository('octocat/nothing') },
    limit: limit.limit
  }
end

mode, *arguments = ARGV
puts JSON.generate({ 'reads' => method(:reads), 'writes' => method(:writes) }.fetch(mode).call(*arguments))
