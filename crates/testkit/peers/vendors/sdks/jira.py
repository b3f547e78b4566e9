"""What the package jira does for each action; Atlassian has no SDK of its own in Python."""

from jira import JIRA
from jira.resources import Comment, Issue, Project


def calls(origin, inputs):
    client = JIRA(
        server=f"{origin}/ex/jira/{inputs['cloud_id']}",
        options={"rest_api_version": "3"},
        basic_auth=(inputs["email"], inputs["api_token"]),
        get_server_info=False,
        max_retries=0,
    )
    client.deploymentType = "Cloud"
    # It looks up what it could be told.
    client._get_user_id = lambda user: user
    client.issue_link_types = lambda: []
    client._fields_cache_value = {"Summary": "summary"}
    text = lambda text: {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }
    document = lambda given: text(given) if isinstance(given, str) else given

    def of(i, **names):
        return {theirs: i[ours] for ours, theirs in names.items() if ours in i}

    def known(kind, i, path):
        """A resource as if it had been read before."""
        raw = {"id": "1", "self": client._get_url(path), "fields": {}}
        return kind(client._options, client._session, raw=raw)

    issue = lambda i: known(Issue, i, f"issue/{i['issue']}")
    comment = lambda i: known(Comment, i, f"issue/{i['issue']}/comment/{i['comment_id']}")

    def fields(i):
        first = {"project": {"key": i["project_key"]}, "issuetype": {"name": i["issue_type"]}, "summary": i["summary"]}
        described = {"description": document(i["description"])} if "description" in i else {}
        return i.get("fields", {}) | first | described

    def page(kind, items, path, i, **params):
        client._fetch_pages(kind, items, path, i.get("start_at", 0), i.get("max_results", 50), params or None)

    def work(i):
        spent = of(i, time_spent="timeSpent", time_spent_seconds="timeSpentSeconds")
        estimate = of(i, adjust_estimate="adjustEstimate", new_estimate="newEstimate", reduce_by="reduceBy")
        noted = {"comment": document(i["comment"])} if "comment" in i else {}
        client.add_worklog(i["issue"], **spent, **estimate, **noted)

    return {
        "search_issues": lambda i: client.enhanced_search_issues(
            i["jql"],
            i.get("next_page_token"),
            i["max_results"],
            i.get("fields", ["*navigable"]),
            i.get("expand"),
            i.get("reconcile_issues"),
            i.get("properties"),
            json_result=True,
            use_post=True,
        ),
        "count_issues": lambda i: client.approximate_issue_count(i["jql"]),
        "create_issue": lambda i: client.create_issue(fields(i), prefetch=False),
        "create_issues": lambda i: client.create_issues([one["fields"] for one in i["issues"]], prefetch=False),
        "get_issue": lambda i: client.issue(i["issue"], ",".join(i["fields"]), i.get("expand")),
        "update_issue": lambda i: issue(i).update(fields=i["fields"], notify=i.get("notify_users", True)),
        "delete_issue": lambda i: issue(i).delete(deleteSubtasks=i["delete_subtasks"]),
        "assign_issue": lambda i: client.assign_issue(i["issue"], i["account_id"]),
        "list_transitions": lambda i: client.transitions(i["issue"], expand=i.get("expand")),
        "transition_issue": lambda i: client.transition_issue(i["issue"], i["transition_id"], i.get("fields")),
        "add_comment": lambda i: client.add_comment(i["issue"], document(i["body"]), i.get("visibility")),
        "update_comment": lambda i: comment(i).update(body=document(i["body"]), visibility=i.get("visibility")),
        "delete_comment": lambda i: comment(i).delete(),
        "list_comments": lambda i: client.comments(
            i["issue"], **of(i, start_at="start_at", max_results="max_results", order_by="order_by")
        ),
        "add_worklog": work,
        "list_worklogs": lambda i: client.worklogs(i["issue"]),
        "list_changes": lambda i: page(dict, "values", f"issue/{i['issue']}/changelog", i),
        "link_issues": lambda i: client.create_issue_link(i["type"], i["inward_issue"], i["outward_issue"]),
        "add_watcher": lambda i: client.add_watcher(i["issue"], i["account_id"]),
        "remove_watcher": lambda i: client.remove_watcher(i["issue"], i["account_id"]),
        "list_projects": lambda i: page(
            Project, "values", "project/search", i, **of(i, query="query", order_by="orderBy", expand="expand")
        ),
        "get_project": lambda i: client.project(i["project"], i.get("expand")),
        "list_fields": lambda i: client.fields(),
        "search_users": lambda i: client.search_users(
            query=i["query"], startAt=i.get("start_at", 0), maxResults=i["max_results"]
        ),
        "get_me": lambda i: client.myself(),
    }
