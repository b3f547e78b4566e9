"""What Anthropic's SDK does for each action."""

from anthropic import Anthropic


def calls(origin, inputs):
    client = Anthropic(api_key=inputs["api_key"], base_url=origin, max_retries=0)
    batches = client.messages.batches
    return {
        "create_message": lambda i: client.messages.create(**i),
        "count_tokens": lambda i: client.messages.count_tokens(**i),
        "list_models": lambda i: client.models.list(**i),
        "get_model": lambda i: client.models.retrieve(i["model_id"]),
        "create_message_batch": lambda i: batches.create(**i),
        "get_message_batch": lambda i: batches.retrieve(i["message_batch_id"]),
        "list_message_batches": lambda i: batches.list(**i),
        "cancel_message_batch": lambda i: batches.cancel(i["message_batch_id"]),
        "delete_message_batch": lambda i: batches.delete(i["message_batch_id"]),
        "get_file": lambda i: client.files.retrieve_metadata(i["file_id"]),
        "delete_file": lambda i: client.files.delete(i["file_id"]),
    }
