//! Actions of Jira against the package jira.

use serde_json::{Value, json};

use crate::{Body, Sdk};

#[tokio::test]
async fn sdk_of_jira_sends_the_same() {
    let cloud = "11223344-a1b2-3b33-c444-def123456789";
    let document = json!({"type": "doc", "version": 1, "content": [{"type": "rule"}]});
    let search = json!({
        "jql": "project = HSP AND summary ~ \"a&b\"", "fields": ["summary", "status"], "expand": "names,changelog", "max_results": 2,
        "properties": ["a"], "next_page_token": "t", "reconcile_issues": [10002],
    });
    let create = json!({
        "project_key": "HSP", "issue_type": "Bug", "summary": "It is red", "description": "Grüße",
        "fields": {"labels": ["api"], "priority": {"name": "High"}},
    });
    let described =
        json!({"project_key": "HSP", "issue_type": "Task", "summary": "x", "description": document});
    let work = json!({
        "issue": "HSP-1", "time_spent": "3h 20m", "comment": "Done", "adjust_estimate": "new", "new_estimate": "2d",
    });
    let calls = [
        ("search_issues", search),
        ("search_issues", json!({"jql": "project = HSP", "max_results": 50})),
        ("count_issues", json!({"jql": "project = HSP"})),
        ("create_issue", create),
        ("create_issue", described),
        ("create_issue", json!({"project_key": "HSP", "issue_type": "Task", "summary": "x"})),
        (
            "create_issues",
            json!({"issues": [{"fields": {"project": {"id": "1"}, "issuetype": {"id": "2"}, "summary": "x"}}]}),
        ),
        ("get_issue", json!({"issue": "HSP-1", "fields": ["summary", "status"], "expand": "names"})),
        (
            "update_issue",
            json!({"issue": "HSP-1", "fields": {"summary": "y", "duedate": null}, "notify_users": false}),
        ),
        ("update_issue", json!({"issue": "10002", "fields": {"labels": []}})),
        ("delete_issue", json!({"issue": "HSP-1", "delete_subtasks": true})),
        ("assign_issue", json!({"issue": "HSP-1", "account_id": "5b10a2844c20165700ede21g"})),
        ("assign_issue", json!({"issue": "HSP-1", "account_id": null})),
        ("list_transitions", json!({"issue": "HSP-1", "expand": "transitions.fields"})),
        ("transition_issue", json!({"issue": "HSP-1", "transition_id": "31"})),
        (
            "transition_issue",
            json!({"issue": "HSP-1", "transition_id": "31", "fields": {"resolution": {"name": "Done"}}}),
        ),
        ("add_comment", json!({"issue": "HSP-1", "body": "Seen"})),
        (
            "add_comment",
            json!({"issue": "HSP-1", "body": document, "visibility": {"type": "role", "value": "Administrators"}}),
        ),
        ("update_comment", json!({"issue": "HSP-1", "comment_id": "10000", "body": "Seen"})),
        ("delete_comment", json!({"issue": "HSP-1", "comment_id": "10000"})),
        ("list_comments", json!({"issue": "HSP-1", "start_at": 5, "max_results": 2, "order_by": "-created"})),
        ("add_worklog", work),
        ("add_worklog", json!({"issue": "HSP-1", "time_spent_seconds": 120})),
        ("list_worklogs", json!({"issue": "HSP-1"})),
        ("list_changes", json!({"issue": "HSP-1", "start_at": 5, "max_results": 2})),
        ("link_issues", json!({"type": "Blocks", "inward_issue": "HSP-1", "outward_issue": "HSP-2"})),
        ("add_watcher", json!({"issue": "HSP-1", "account_id": "5b10a2844c20165700ede21g"})),
        ("remove_watcher", json!({"issue": "HSP-1", "account_id": "5b10a2844c20165700ede21g"})),
        (
            "list_projects",
            json!({"query": "hs", "order_by": "-name", "expand": "lead", "start_at": 5, "max_results": 2}),
        ),
        ("get_project", json!({"project": "HSP", "expand": "lead"})),
        ("list_fields", json!({})),
        ("search_users", json!({"query": "ada", "start_at": 5, "max_results": 2})),
        ("get_me", json!({})),
    ];
    let sdk = Sdk {
        vendor: "jira",
        inputs: json!({"cloud_id": cloud, "email": "ada@acme.example", "api_token": "t"}),
        adjust: |theirs| {
            // Both are filters that Jira Cloud does not have.
            theirs.query.retain(|(name, _)| name != "includeActive" && name != "includeInactive");
            theirs.path = theirs.path.replace("/rest/api/latest/", "/rest/api/3/");
            // It writes true and false as Python does.
            for (_, value) in theirs.query.iter_mut().filter(|(_, value)| value == "True" || value == "False")
            {
                value.make_ascii_lowercase();
            }
            let Body::Json(Value::Object(fields)) = &mut theirs.body else { return };
            // What is not asked for it sends as null, or empty.
            for (name, nothing) in [
                ("expand", Value::Null),
                ("properties", Value::Null),
                ("comment", Value::Null),
                ("reconcileIssues", json!([])),
                ("fields", json!({})),
                ("update", json!({})),
            ] {
                if fields.get(name) == Some(&nothing) {
                    fields.remove(name);
                }
            }
            // Ids of transitions are texts in what Jira answers.
            if let Some(id) = fields.get_mut("transition").and_then(|transition| transition.get_mut("id")) {
                *id = id.to_string().into();
            }
        },
    };
    sdk.compare(&calls).await;
}
