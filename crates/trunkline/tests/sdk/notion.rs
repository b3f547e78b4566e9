//! Actions of Notion against notion-client.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_notion_sends_the_same() {
    let id = "59833787-2cf9-4fdf-8782-e53db20768a5";
    let text = json!([{"text": {"content": "Lacinato kale, 6 × ü"}}]);
    let page = json!({
        "parent": {"data_source_id": id}, "properties": {"Name": {"title": text}}, "icon": {"emoji": "🥬"},
        "children": [{"paragraph": {"rich_text": text}}], "position": {"type": "page_start"},
    });
    let query = json!({
        "data_source_id": id, "filter": {"property": "Status", "select": {"equals": "Reading"}}, "in_trash": false,
        "sorts": [{"property": "Name", "direction": "ascending"}], "filter_properties": ["title", "aB%3A"],
        "start_cursor": "c", "page_size": 2, "result_type": "page",
    });
    let database = json!({
        "parent": {"type": "page_id", "page_id": id}, "title": text, "is_inline": true,
        "initial_data_source": {"properties": {"Name": {"title": {}}}},
    });
    let calls = [
        (
            "search",
            json!({"query": "kale", "filter": {"property": "object", "value": "page"}, "page_size": 5}),
        ),
        (
            "search",
            json!({"sort": {"timestamp": "last_edited_time", "direction": "ascending"}, "start_cursor": "c"}),
        ),
        ("create_page", page),
        ("create_page", json!({"parent": {"page_id": id}, "markdown": "# Kale", "cover": null})),
        ("get_page", json!({"page_id": id, "filter_properties": ["title", "aB%3A"]})),
        ("get_page", json!({"page_id": id})),
        ("update_page", json!({"page_id": id, "properties": {"Done": {"checkbox": true}}, "icon": null})),
        ("update_page", json!({"page_id": id, "in_trash": true, "is_locked": false})),
        ("move_page", json!({"page_id": id, "parent": {"page_id": id}})),
        ("get_page_property", json!({"page_id": id, "property_id": "a;b", "page_size": 100})),
        ("get_page_markdown", json!({"page_id": id, "include_transcript": true})),
        (
            "replace_page_markdown",
            json!({"page_id": id, "markdown": "# Kale", "allow_deleting_content": true}),
        ),
        ("list_block_children", json!({"block_id": id, "start_cursor": "c", "page_size": 2})),
        (
            "append_block_children",
            json!({"block_id": id, "children": [{"divider": {}}], "position": {"type": "start"}}),
        ),
        ("get_block", json!({"block_id": id})),
        ("update_block", json!({"block_id": id, "to_do": {"checked": true}})),
        ("update_block", json!({"block_id": id, "heading_2": {"rich_text": text}, "in_trash": false})),
        ("delete_block", json!({"block_id": id})),
        ("get_database", json!({"database_id": id})),
        ("create_database", database),
        ("get_data_source", json!({"data_source_id": id})),
        ("query_data_source", query),
        ("query_data_source", json!({"data_source_id": id})),
        ("update_data_source", json!({"data_source_id": id, "properties": {"Old": null}, "title": text})),
        ("create_comment", json!({"parent": {"page_id": id}, "rich_text": text})),
        ("create_comment", json!({"discussion_id": id, "markdown": "*Yes*"})),
        ("list_comments", json!({"block_id": id, "page_size": 2})),
        ("list_users", json!({"start_cursor": "c"})),
        ("get_user", json!({"user_id": id})),
        ("get_me", json!({})),
    ];
    let sdk = Sdk {
        vendor: "notion",
        inputs: json!({"token": "ntn_1"}),
        // What is there with null is sent by both; a body that is empty is none.
        adjust: |_| {},
    };
    sdk.compare(&calls).await;
}
