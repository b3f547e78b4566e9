//! Actions of Slack against its SDK.

use serde_json::json;

use crate::{Body, Meaning, Sdk};

/// Methods that only read end so.
const READING: [&str; 8] =
    [".getPermalink", ".list", ".info", ".history", ".replies", ".members", ".lookupByEmail", ".test"];

/// Fields that are true or false.
const FLAGS: [&str; 6] = [
    "exclude_archived",
    "include_all_metadata",
    "include_locale",
    "include_num_members",
    "inclusive",
    "return_im",
];

/// The SDK posts whatever it asks, and writes 1 for true. Slack takes a method that reads by GET too, which says that it
/// may be repeated, and `true` as JSON has it (<https://docs.slack.dev/apis/web-api>).
fn adjust(theirs: &mut Meaning) {
    let mut fields = match std::mem::replace(&mut theirs.body, Body::None) {
        Body::Form(fields) => fields,
        body => {
            theirs.body = body;
            Vec::new()
        }
    };
    for (name, value) in &mut fields {
        if FLAGS.contains(&&**name) {
            *value = (value == "1").to_string();
        }
    }
    if READING.iter().any(|end| theirs.path.ends_with(end)) {
        "GET".clone_into(&mut theirs.method);
        theirs.query.append(&mut fields);
    } else if !fields.is_empty() {
        theirs.body = Body::Form(fields);
    }
}

#[tokio::test]
async fn sdk_of_slack_sends_the_same() {
    let (channel, ts) = ("C1234567890", "1503435956.000247");
    let blocks = json!([{"type": "section", "text": {"type": "plain_text", "text": "Grüße & more = 1"}}]);
    let posted = json!({
        "channel": channel, "text": "Grüße", "blocks": blocks, "thread_ts": ts, "reply_broadcast": true, "unfurl_links": false,
        "metadata": {"event_type": "task_created", "event_payload": {"id": "11223"}}, "username": "Bot", "icon_emoji": ":wave:",
    });
    let between = json!({
        "channel": channel, "oldest": "1512085950.000216", "latest": "1512104434", "inclusive": true,
        "include_all_metadata": false, "limit": 15, "cursor": "dXNlcjpVMEc5V0ZYTlo=",
    });
    let replies = json!({"channel": channel, "ts": ts, "inclusive": false, "limit": 2});
    let listed = json!({
        "types": ["public_channel", "private_channel"], "exclude_archived": true, "team_id": "T12345678", "limit": 200,
    });
    let reaction = json!({"channel": channel, "timestamp": ts, "name": "thumbsup::skin-tone-2"});
    let calls = [
        ("post_message", posted),
        ("post_message", json!({"channel": "#general", "markdown_text": "**Hi**"})),
        (
            "update_message",
            json!({"channel": channel, "ts": ts, "text": "x", "blocks": blocks, "link_names": true}),
        ),
        ("delete_message", json!({"channel": channel, "ts": ts})),
        (
            "post_ephemeral",
            json!({"channel": channel, "user": "W012A3CDE", "text": "x", "attachments": [{"text": "y"}]}),
        ),
        (
            "schedule_message",
            json!({"channel": channel, "post_at": 1_562_180_400, "text": "later", "parse": "full"}),
        ),
        ("cancel_scheduled_message", json!({"channel": channel, "scheduled_message_id": "Q1298393284"})),
        ("get_permalink", json!({"channel": channel, "message_ts": ts})),
        ("list_channels", listed),
        ("list_channels", json!({"cursor": "a=b&c"})),
        ("get_channel", json!({"channel": channel, "include_locale": true, "include_num_members": false})),
        ("channel_history", between),
        ("thread_replies", replies),
        ("list_members", json!({"channel": channel, "limit": 100, "cursor": "c"})),
        ("join_channel", json!({"channel": channel})),
        ("open_conversation", json!({"users": ["W1234567890", "U2345678901"], "return_im": true})),
        ("open_conversation", json!({"channel": "D069C7QFK"})),
        // Unless said, we ask for pages of 200.
        ("list_users", json!({"include_locale": true, "team_id": "T12345678", "limit": 200})),
        ("get_user", json!({"user": "W012A3CDE", "include_locale": true})),
        ("find_user_by_email", json!({"email": "a+b@example.com"})),
        ("add_reaction", reaction.clone()),
        ("remove_reaction", reaction),
        ("test_auth", json!({})),
    ];
    let inputs = json!({"bot_token": "xoxb-1"});
    let sdk = Sdk { vendor: "slack", inputs, adjust };
    sdk.compare(&calls).await;
}
