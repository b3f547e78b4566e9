"""What Twilio's SDK does for each action."""

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


def calls(origin, inputs):
    class Here(TwilioHttpClient):
        def request(self, method, url, *args, **kwargs):
            return super().request(method, origin + url.removeprefix("https://api.twilio.com"), *args, **kwargs)

    account = inputs["account_sid"]
    user = inputs.get("api_key_sid") or account
    client = Client(user, inputs.get("api_key_secret") or inputs.get("auth_token"), account, http_client=Here())
    of_message, of_call = lambda i: client.messages(i["message_sid"]), lambda i: client.calls(i["call_sid"])

    def named(i, **names):
        return {names.get(key, key): value for key, value in i.items()}

    def send(i):
        i = named(i, **{"from": "from_"})
        if "media_url" in i:
            i["media_url"] = i["media_url"] if isinstance(i["media_url"], list) else [i["media_url"]]
        if "send_at" in i:
            i["schedule_type"] = "fixed"
        return client.messages.create(**i)

    return {
        "send_sms": send,
        "get_message": lambda i: of_message(i).fetch(),
        "cancel_message": lambda i: of_message(i).update(status="canceled"),
        "redact_message": lambda i: of_message(i).update(body=""),
        "delete_message": lambda i: of_message(i).delete(),
        "list_messages": lambda i: client.messages.page(**named(i, **{"from": "from_"})),
        "make_call": lambda i: client.calls.create(**named(i, **{"from": "from_"})),
        "get_call": lambda i: of_call(i).fetch(),
        "end_call": lambda i: of_call(i).update(status="completed"),
        "list_calls": lambda i: client.calls.page(
            **named(i, **{"from": "from_"}, started_before="start_time_before", started_after="start_time_after")
        ),
        "get_incoming_phone_number": lambda i: client.incoming_phone_numbers(i["phone_number_sid"]).fetch(),
        "list_incoming_phone_numbers": lambda i: client.incoming_phone_numbers.page(**i),
        "get_balance": lambda i: client.balance.fetch(),
    }
