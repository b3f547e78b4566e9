//! Actions of GitHub against the package PyGithub.

use serde_json::{Value, json};

use crate::{Body, Sdk};

/// An input for the repository that all of these are about.
fn of(mut input: Value) -> Value {
    let fields = input.as_object_mut().unwrap();
    fields.insert("owner".to_owned(), "octocat".into());
    fields.insert("repo".to_owned(), "hello-world".into());
    input
}

#[tokio::test]
async fn sdk_of_github_sends_the_same() {
    let since = "2026-11-01T00:00:00Z";
    let sha = "95b966ae1c166bd92f8ae7d1c313e738c731dfc3";
    let person = json!({"name": "Ada", "email": "ada@acme.example"});
    let issues = json!({
        "state": "all", "labels": ["bug", "help wanted"], "assignee": "*", "milestone": "none", "creator": "ada", "mentioned": "bob",
        "since": since, "sort": "updated", "direction": "asc", "per_page": 100,
    });
    let changed = json!({
        "number": 7, "title": "y", "body": "Grüße", "state": "closed", "state_reason": "not_planned", "labels": [], "assignees": ["ada"],
    });
    let pull = json!({
        "title": "x", "head": "ada:topic", "base": "main", "body": "y", "draft": true, "maintainer_can_modify": false,
    });
    let replaced = json!({
        "path": "docs/ä b.md", "message": "m", "content": "SGVsbG8=", "sha": sha, "branch": "topic", "author": person, "committer": person,
    });
    let release = json!({
        "tag_name": "v1", "name": "One", "body": "x", "target_commitish": "main", "draft": true, "prerelease": false,
        "generate_release_notes": true, "make_latest": "legacy",
    });
    let merge = json!({"number": 7, "commit_title": "t", "commit_message": "m", "sha": sha, "merge_method": "squash"});
    let runs = json!({
        "event": "push", "status": "failure", "actor": "ada", "head_sha": sha, "created": ">=2026-11-01", "per_page": 100,
    });
    let calls = [
        ("get_repository", of(json!({}))),
        (
            "list_repositories",
            json!({"visibility": "private", "affiliation": "owner", "sort": "pushed", "direction": "asc", "per_page": 100}),
        ),
        (
            "list_organization_repositories",
            json!({"org": "acme", "type": "sources", "sort": "pushed", "direction": "asc", "per_page": 100}),
        ),
        (
            "list_commits",
            of(
                json!({"sha": "topic", "path": "docs", "author": "ada", "since": since, "until": since, "per_page": 100}),
            ),
        ),
        ("get_file", of(json!({"path": "docs/ä b.md", "ref": "topic"}))),
        ("put_file", of(replaced)),
        ("put_file", of(json!({"path": "a", "message": "m", "content": ""}))),
        ("delete_file", of(json!({"path": "docs/a", "message": "m", "sha": sha, "branch": "topic"}))),
        ("list_issues", of(issues)),
        ("get_issue", of(json!({"number": 7}))),
        ("create_issue", of(json!({"title": "x", "body": "y", "labels": ["bug"], "assignees": ["ada"]}))),
        ("create_issue", of(json!({"title": "x"}))),
        ("update_issue", of(changed)),
        ("add_labels", of(json!({"number": 7, "labels": ["bug", "help wanted"]}))),
        ("list_comments", of(json!({"number": 7, "since": since, "per_page": 100}))),
        ("add_comment", of(json!({"number": 7, "body": "Seen"}))),
        (
            "list_pull_requests",
            of(
                json!({"state": "closed", "head": "ada:topic", "base": "main", "sort": "popularity", "direction": "asc", "per_page": 100}),
            ),
        ),
        ("get_pull_request", of(json!({"number": 7}))),
        ("create_pull_request", of(pull)),
        ("merge_pull_request", of(merge)),
        ("search_issues", json!({"q": "is:open a&b", "sort": "updated", "order": "asc", "per_page": 100})),
        ("search_repositories", json!({"q": "a", "sort": "stars", "order": "asc", "per_page": 100})),
        ("search_code", json!({"q": "addClass repo:a/b", "per_page": 100})),
        (
            "dispatch_workflow",
            of(json!({"workflow": "deploy.yml", "ref": "main", "inputs": {"target": "x"}})),
        ),
        ("list_workflow_runs", of(runs)),
        ("get_workflow_run", of(json!({"run_id": 5}))),
        ("list_releases", of(json!({"per_page": 100}))),
        ("get_latest_release", of(json!({}))),
        ("create_release", of(release)),
        ("get_me", json!({})),
        ("get_user", json!({"username": "ada"})),
        ("get_rate_limit", json!({})),
    ];
    let sdk = Sdk {
        vendor: "github",
        inputs: json!({"token": "t"}),
        adjust: |theirs| {
            // "In most cases, you can use Authorization: Bearer or Authorization: token"
            // (https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api).
            for (_, value) in &mut theirs.auth {
                *value = value.replacen("token ", "bearer ", 1);
            }
            // Nothing to send is an object with nothing in it.
            if theirs.body == Body::Json(json!({})) {
                theirs.body = Body::None;
            }
            // Labels may be sent as a list alone.
            if let Body::Json(labels @ Value::Array(_)) = &theirs.body {
                theirs.body = Body::Json(json!({"labels": labels}));
            }
        },
    };
    sdk.compare(&calls).await;
}
