"""What Slack's SDK does for each action."""

from slack_sdk import WebClient


def calls(origin, inputs):
    client = WebClient(token=inputs["bot_token"], base_url=origin + "/api/", retry_handlers=[])
    return {
        "post_message": lambda i: client.chat_postMessage(**i),
        "update_message": lambda i: client.chat_update(**i),
        "delete_message": lambda i: client.chat_delete(**i),
        "post_ephemeral": lambda i: client.chat_postEphemeral(**i),
        "schedule_message": lambda i: client.chat_scheduleMessage(**i),
        "cancel_scheduled_message": lambda i: client.chat_deleteScheduledMessage(**i),
        "get_permalink": lambda i: client.chat_getPermalink(**i),
        "list_channels": lambda i: client.conversations_list(**i),
        "get_channel": lambda i: client.conversations_info(**i),
        "channel_history": lambda i: client.conversations_history(**i),
        "thread_replies": lambda i: client.conversations_replies(**i),
        "list_members": lambda i: client.conversations_members(**i),
        "join_channel": lambda i: client.conversations_join(**i),
        "open_conversation": lambda i: client.conversations_open(**i),
        "list_users": lambda i: client.users_list(**i),
        "get_user": lambda i: client.users_info(**i),
        "find_user_by_email": lambda i: client.users_lookupByEmail(**i),
        "add_reaction": lambda i: client.reactions_add(**i),
        "remove_reaction": lambda i: client.reactions_remove(**i),
        "test_auth": lambda i: client.auth_test(),
    }
