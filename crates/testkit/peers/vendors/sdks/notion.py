"""What notion-client does for each action; it is Notion's own SDK for JavaScript, in Python."""

from notion_client import Client


def calls(origin, inputs):
    client = Client(
        auth=inputs["token"], base_url=origin, retry=False, notion_version=inputs.get("notion_version", "2026-03-11")
    )
    markdown = lambda i: {"new_str": i["markdown"]} | {k: i[k] for k in ["allow_deleting_content"] if k in i}
    return {
        "search": lambda i: client.search(**i),
        "create_page": lambda i: client.pages.create(**i),
        "get_page": lambda i: client.pages.retrieve(**i),
        "update_page": lambda i: client.pages.update(**i),
        "move_page": lambda i: client.pages.move(**i),
        "get_page_property": lambda i: client.pages.properties.retrieve(**i),
        "get_page_markdown": lambda i: client.pages.retrieve_markdown(**i),
        "replace_page_markdown": lambda i: client.pages.update_markdown(
            i["page_id"], type="replace_content", replace_content=markdown(i)
        ),
        "list_block_children": lambda i: client.blocks.children.list(**i),
        "append_block_children": lambda i: client.blocks.children.append(**i),
        "get_block": lambda i: client.blocks.retrieve(**i),
        "update_block": lambda i: client.blocks.update(**i),
        "delete_block": lambda i: client.blocks.delete(**i),
        "get_database": lambda i: client.databases.retrieve(**i),
        "create_database": lambda i: client.databases.create(**i),
        "get_data_source": lambda i: client.data_sources.retrieve(**i),
        "query_data_source": lambda i: client.data_sources.query(**i),
        "update_data_source": lambda i: client.data_sources.update(**i),
        "create_comment": lambda i: client.comments.create(**i),
        "list_comments": lambda i: client.comments.list(**i),
        "list_users": lambda i: client.users.list(**i),
        "get_user": lambda i: client.users.retrieve(**i),
        "get_me": lambda i: client.users.me(),
    }
