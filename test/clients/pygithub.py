"""Drives PyGithub as an application would and prints what it saw as one JSON document.

Usage: pygithub.py reads|writes BASE_URL TOKEN [FILE_TO_UPLOAD]

PyGithub raises AssertionError itself when an address in an answer has another host or port than its base URL.
"""

import json
import sys

from github import Github, GithubException


def failure(call):
    """The class, status and body of the error that a call ends with."""
    try:
        call()
    except GithubException as error:
        return {"type": type(error).__name__, "status": error.status, "data": error.data}
    return None


def reads(base_url, token):
    github = Github(base_url=base_url, login_or_token=token, per_page=30)
    many = github.get_repo("octo-org/many-issues")
    issues = many.get_issues(state="all")
    hello = github.get_repo("octocat/hello-world")
    found = github.search_issues("problem repo:octocat/hello-world label:bug")
    first = issues[0]
    return {
        "login": github.get_user().login,
        "pages": [[issue.number for issue in issues.get_page(page)] for page in range(4)],
        # The same over `Link`, and backwards from its `rel="last"`.
        "followed": [issue.number for issue in issues[:120]],
        "oldest": [issue.number for issue in many.get_issues().reversed[:3]],
        "total": many.get_issues(state="all").totalCount,
        "raw": [issue.raw_data for issue in issues[:2]],
        "repository": hello.raw_data,
        # Lazily completed from the URL in the body.
        "author": first.user.name,
        "comments": [comment.body for comment in hello.get_issue(1).get_comments()],
        "file": hello.get_contents("docs/links.md").decoded_content.decode(),
        "folder": [entry.path for entry in hello.get_contents("docs")],
        "found": [issue.title for issue in found],
        "changed": hello.update(),
    }


def writes(base_url, token, path):
    github = Github(base_url=base_url, login_or_token=token)
    hello = github.get_repo("octocat/hello-world")
    renamed = github.get_repo("octocat/old-name")
    issue = hello.create_issue(title="Made by PyGithub", body="With a body", labels=["bug"])
    comment = issue.create_comment("A comment by PyGithub")
    # Asks with the validators of what it read before: `Last-Modified` is the same still, the entity tag is not.
    changed = hello.update()
    issue.edit(state="closed")
    release = hello.get_release("v1.0.0")
    asset = release.upload_asset(path, name="pygithub.bin", content_type="application/octet-stream")
    limits = github.get_rate_limit()
    remaining = github.rate_limiting[0]
    return {
        "renamed": renamed.full_name,
        "renamed_issues": [one.title for one in renamed.get_issues()],
        "issue": {"number": issue.number, "url": issue.url, "state": hello.get_issue(issue.number).state},
        "comment": comment.url,
        "comments": [one.body for one in issue.get_comments()],
        "changed": changed,
        "open_issues": hello.open_issues_count,
        "asset": {"size": asset.size, "url": asset.url, "upload_url": release.upload_url},
        "asset_names": [one.name for one in hello.get_release("v1.0.0").get_assets()],
        "archive": hello.get_archive_link("tarball"),
        "validation": failure(lambda: hello.create_label("bug", "ffffff")),
        "no_title": failure(lambda: hello.create_issue(title="")),
        "credentials": failure(lambda: Github(base_url=base_url, login_or_token="ghp_wrong").get_user().login),
        "missing": failure(lambda: github.get_repo("octocat/nothing")),
        "limit": limits.core.limit,
        "remaining": [limits.core.remaining, remaining],
    }


def main():
    mode, *arguments = sys.argv[1:]
    json.dump({"reads": reads, "writes": writes}[mode](*arguments), sys.stdout)


main()
