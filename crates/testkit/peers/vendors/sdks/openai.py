"""What OpenAI's SDK does for each action."""

from openai import OpenAI


def calls(origin, inputs):
    client = OpenAI(api_key=inputs["api_key"], base_url=origin + "/v1", max_retries=0)
    responses, batches = client.responses, client.batches
    return {
        "create_response": lambda i: responses.create(**i),
        "get_response": lambda i: responses.retrieve(i["response_id"]),
        "cancel_response": lambda i: responses.cancel(i["response_id"]),
        "delete_response": lambda i: responses.delete(i["response_id"]),
        "create_chat_completion": lambda i: client.chat.completions.create(**i),
        "create_embedding": lambda i: client.embeddings.create(**i),
        "create_moderation": lambda i: client.moderations.create(**i),
        "list_models": lambda i: client.models.list(),
        "get_model": lambda i: client.models.retrieve(i["model"]),
        "create_batch": lambda i: batches.create(**i),
        "get_batch": lambda i: batches.retrieve(i["batch_id"]),
        "cancel_batch": lambda i: batches.cancel(i["batch_id"]),
        "list_batches": lambda i: batches.list(**i),
    }
