"""What the package PyGithub does for each action; GitHub has no SDK of its own in Python."""

import base64
from datetime import datetime

from github import Auth, Github, InputGitAuthor
from github.Issue import Issue
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.PullRequest import PullRequest
from github.Repository import Repository
from github.Workflow import Workflow


def calls(origin, inputs):
    client = Github(base_url=origin, auth=Auth.Token(inputs["token"]), retry=None, per_page=100)
    address = lambda i: f"{origin}/repos/{i['owner']}/{i['repo']}"

    def known(kind, **attributes):
        """An object as if it had been read before."""
        return kind(client.requester, {}, attributes, completed=True)

    repository = lambda i: known(Repository, url=address(i))
    issue = lambda i: known(Issue, url=f"{address(i)}/issues/{i['number']}")
    pull = lambda i: known(PullRequest, url=f"{address(i)}/pulls/{i['number']}")
    workflow = lambda i: known(Workflow, url=f"{address(i)}/actions/workflows/{i['workflow']}")
    user = lambda name: known(NamedUser, login=name)
    time = lambda text: datetime.fromisoformat(text.replace("Z", "+00:00"))

    def given(i, *names, **kinds):
        """What is asked for beside the place where it is; some of it as the SDK has it."""
        return {name: kinds.get(name, lambda value: value)(i[name]) for name in (*names, *kinds) if name in i}

    def put(i):
        content = base64.b64decode(i["content"])
        more = given(i, "branch", committer=lambda one: InputGitAuthor(**one), author=lambda one: InputGitAuthor(**one))
        if "sha" in i:
            repository(i).update_file(i["path"], i["message"], content, i["sha"], **more)
        else:
            repository(i).create_file(i["path"], i["message"], content, **more)

    def release(i):
        more = given(i, "name", "draft", "prerelease", "generate_release_notes", "target_commitish", "make_latest")
        repository(i).create_git_release(i["tag_name"], message=i["body"], **more)

    return {
        "get_repository": lambda i: client.get_repo(f"{i['owner']}/{i['repo']}"),
        "list_repositories": lambda i: list(
            client.get_user().get_repos(**given(i, "visibility", "affiliation", "sort", "direction"))
        ),
        "list_organization_repositories": lambda i: list(
            known(Organization, url=f"{origin}/orgs/{i['org']}").get_repos(**given(i, "type", "sort", "direction"))
        ),
        "list_commits": lambda i: list(
            repository(i).get_commits(**given(i, "sha", "path", "author", since=time, until=time))
        ),
        "get_file": lambda i: repository(i).get_contents(i["path"], **given(i, "ref")),
        "put_file": put,
        "delete_file": lambda i: repository(i).delete_file(i["path"], i["message"], i["sha"], **given(i, "branch")),
        "list_issues": lambda i: list(
            repository(i).get_issues(
                **given(
                    i, "state", "labels", "assignee", "milestone", "sort", "direction", since=time, creator=user, mentioned=user
                )
            )
        ),
        "get_issue": lambda i: repository(i).get_issue(i["number"]),
        "create_issue": lambda i: repository(i).create_issue(**given(i, "title", "body", "labels", "assignees")),
        "update_issue": lambda i: issue(i).edit(
            **given(i, "title", "body", "state", "state_reason", "labels", "assignees")
        ),
        "add_labels": lambda i: issue(i).add_to_labels(*i["labels"]),
        "list_comments": lambda i: list(issue(i).get_comments(**given(i, since=time))),
        "add_comment": lambda i: issue(i).create_comment(i["body"]),
        "list_pull_requests": lambda i: list(
            repository(i).get_pulls(**given(i, "state", "head", "base", "sort", "direction"))
        ),
        "get_pull_request": lambda i: repository(i).get_pull(i["number"]),
        "create_pull_request": lambda i: repository(i).create_pull(
            **given(i, "title", "head", "base", "body", "draft", "maintainer_can_modify")
        ),
        "merge_pull_request": lambda i: pull(i).merge(
            **given(i, "commit_title", "commit_message", "sha", "merge_method")
        ),
        "search_issues": lambda i: list(client.search_issues(i["q"], **given(i, "sort", "order"))),
        "search_repositories": lambda i: list(client.search_repositories(i["q"], **given(i, "sort", "order"))),
        "search_code": lambda i: list(client.search_code(i["q"])),
        "dispatch_workflow": lambda i: workflow(i).create_dispatch(i["ref"], **given(i, "inputs"), throw=True),
        "list_workflow_runs": lambda i: list(
            repository(i).get_workflow_runs(**given(i, "event", "status", "head_sha", "created", actor=user))
        ),
        "get_workflow_run": lambda i: repository(i).get_workflow_run(i["run_id"]),
        "list_releases": lambda i: list(repository(i).get_releases()),
        "get_latest_release": lambda i: repository(i).get_latest_release(),
        "create_release": release,
        "get_me": lambda i: client.get_user().name,
        "get_user": lambda i: client.get_user(i["username"]),
        "get_rate_limit": lambda i: client.get_rate_limit(),
    }
