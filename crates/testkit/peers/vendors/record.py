"""Records what vendors' own SDKs send, and anything else that asks it.

It prints its origin, then a line of JSON for each request that it gets: method, path, query, headers, body. Each line of
its input names an action of a connector, with the input of that action; the vendor's SDK is asked to do the same:

    {"vendor": "stripe", "action": "get_customer", "inputs": {"secret_key": "sk_test_1"}, "input": {"customer_id": "cus_1"}}

Where an SDK sends nothing, the line is `{"error": "…"}`. It ends when its input does.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class Recorder(BaseHTTPRequestHandler):
    """Answers an empty object, which is enough: what SDKs make of answers is theirs."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        kind = (self.headers.get("content-type") or "").split(";")[0]
        line = {
            "method": self.command,
            "path": unquote(url.path),
            "raw_path": url.path,
            "query": parse_qsl(url.query, keep_blank_values=True),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        if kind == "application/json" and body:
            line["json"] = json.loads(body)
        elif body:
            line["form"] = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
        LINES.put(line)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


def stripe(origin, inputs):
    import stripe

    client = stripe.StripeClient(
        inputs["secret_key"],
        base_addresses={"api": origin},
        max_network_retries=0,
        stripe_account=inputs.get("account"),
    ).v1

    def one(resource, method, key):
        return lambda i: getattr(getattr(client, resource), method)(i.pop(key), i)

    def many(resource, method="list"):
        return lambda i: getattr(getattr(client, resource), method)(i)

    calls = {"get_balance": many("balance", "retrieve")}
    for singular, resource in [
        ("payment_intent", "payment_intents"),
        ("customer", "customers"),
        ("charge", "charges"),
        ("refund", "refunds"),
        ("event", "events"),
        ("product", "products"),
        ("price", "prices"),
        ("invoice", "invoices"),
        ("subscription", "subscriptions"),
    ]:
        key = singular + "_id"
        calls["get_" + singular] = one(resource, "retrieve", key)
        calls["list_" + resource] = many(resource)
        calls["search_" + resource] = many(resource, "search")
        calls["create_" + singular] = many(resource, "create")
        for verb in ["update", "delete", "confirm", "capture", "cancel"]:
            calls[f"{verb}_{singular}"] = one(resource, verb, key)
    return calls


def twilio(origin, inputs):
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

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
            i["media_url"] = [i["media_url"]]
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


def hubspot(origin, inputs):
    from hubspot import Client

    crm = Client.create(access_token=inputs["access_token"], host=origin).crm

    def names(i, *wanted):
        return {name: i[name] for name in wanted if name in i}

    def of_objects(api, kind, key):
        """The calls of one type of record, or of any: `kind` are the arguments that say which."""
        basic, batch, search = api.basic_api, api.batch_api, api.search_api
        read = ["properties", "properties_with_history", "associations", "archived", "id_property"]
        listed = ["limit", "after", "properties", "associations", "archived"]
        properties = lambda i: {"properties": i["properties"]}
        return {
            "create": lambda i: basic.create(*kind(i), names(i, "properties", "associations")),
            "get": lambda i: basic.get_by_id(*kind(i), i[key], **names(i, *read)),
            "update": lambda i: basic.update(*kind(i), i[key], properties(i), **names(i, "id_property")),
            "archive": lambda i: basic.archive(*kind(i), i[key]),
            "list": lambda i: basic.get_page(*kind(i), **names(i, *listed)),
            "search": lambda i: search.do_search(*kind(i), {k: v for k, v in i.items() if k != "object_type"}),
            "batch_read": lambda i: batch.read(*kind(i), {k: v for k, v in i.items() if k != "object_type"}),
            "batch_upsert": lambda i: batch.upsert(*kind(i), names(i, "inputs")),
        }

    contacts = of_objects(crm.contacts, lambda i: (), "contact_id")
    objects = of_objects(crm.objects, lambda i: (i["object_type"],), "object_id")
    create = contacts["create"]
    contacts["create"] = lambda i: create(
        {**i, "properties": {**i.get("properties", {}), "email": i["email"]}}
    )
    plural = {"list", "search", "batch_read", "batch_upsert"}
    calls = {verb + ("_contacts" if verb in plural else "_contact"): call for verb, call in contacts.items()}
    calls |= {verb + ("_objects" if verb in plural else "_object"): call for verb, call in objects.items()}
    pair = lambda i: (i["from_type"], i["from_id"], i["to_type"], i["to_id"])
    associations = crm.associations.v4.basic_api
    return calls | {
        "associate": lambda i: associations.create_default(*pair(i)),
        "dissociate": lambda i: associations.archive(*pair(i)),
        "list_associations": lambda i: associations.get_page(
            i["object_type"], i["object_id"], i["to_type"], **names(i, "limit", "after")
        ),
        "list_owners": lambda i: crm.owners.owners_api.get_page(**names(i, "email", "limit", "after", "archived")),
        "get_owner": lambda i: crm.owners.owners_api.get_by_id(i["owner_id"], **names(i, "id_property")),
        "search_lists": lambda i: crm.lists.lists_api.do_search(i),
        "get_list": lambda i: crm.lists.lists_api.get_by_id(i["list_id"], **names(i, "include_filters")),
        "list_members": lambda i: crm.lists.memberships_api.get_page(i["list_id"], **names(i, "limit", "after")),
        "add_list_members": lambda i: crm.lists.memberships_api.add(i["list_id"], i["record_ids"]),
        "list_properties": lambda i: crm.properties.core_api.get_all(i["object_type"], **names(i, "archived")),
    }


def salesforce(origin, inputs):
    import requests
    from simple_salesforce import Salesforce

    class Here(requests.Session):
        def request(self, method, url, **kwargs):
            return super().request(method, origin + urlsplit(url)._replace(scheme="", netloc="").geturl(), **kwargs)

    client = Salesforce(
        instance=inputs["my_domain"],
        session_id="token",
        version=inputs.get("api_version", "v67.0").removeprefix("v"),
        session=Here(),
    )
    of = lambda i: getattr(client, i["object"])
    fields = lambda i: {"params": {"fields": ",".join(i["fields"])}} if "fields" in i else {}
    return {
        "create_lead": lambda i: client.Lead.create(i),
        "get_account": lambda i: client.Account.get(i["account_id"], **fields(i)),
        "update_opportunity": lambda i: client.Opportunity.update(i["opportunity_id"], i["fields"]),
        "query": lambda i: client.query(i["q"]),
        "query_all": lambda i: client.query(i["q"], include_deleted=True),
        "query_next": lambda i: client.query_more(i["locator"]),
        "search": lambda i: client.search(i["q"]),
        "create_record": lambda i: of(i).create(i["fields"]),
        "get_record": lambda i: of(i).get(i["record_id"], **fields(i)),
        "get_record_by_external_id": lambda i: of(i).get_by_custom_id(
            i["external_id_field"], i["external_id"], **fields(i)
        ),
        "update_record": lambda i: of(i).update(i["record_id"], i["fields"]),
        "upsert_record": lambda i: of(i).upsert(f"{i['external_id_field']}/{i['external_id']}", i["fields"]),
        "delete_record": lambda i: of(i).delete(i["record_id"]),
        "describe": lambda i: of(i).describe(),
        "describe_global": lambda i: client.describe(),
        "limits": lambda i: client.limits(),
    }


VENDORS = {"hubspot": hubspot, "salesforce": salesforce, "stripe": stripe, "twilio": twilio}


class Once:
    """What was recorded since the last line: printed at once, but while an SDK is asked the first alone."""

    def __init__(self):
        self.lock, self.asking, self.said = threading.Lock(), False, 0

    def put(self, line):
        with self.lock:
            self.said += 1
            # An SDK that asks for more, such as a second page, is not listened to any further.
            if not (self.asking and self.said > 1):
                print(json.dumps(line), flush=True)

    def ask(self, asking):
        with self.lock:
            self.asking, self.said = asking, 0


LINES = Once()


def do(origin, asked):
    """Asks an SDK. What it makes of the answer is nobody's business, that it asked is."""
    LINES.ask(True)
    try:
        calls = VENDORS[asked["vendor"]](origin, asked["inputs"])
        calls[asked["action"]](dict(asked["input"]))
        problem = "it sent nothing"
    except Exception as error:  # an SDK may raise anything
        problem = f"{type(error).__name__}: {error}"
    if LINES.said == 0:
        LINES.put({"error": problem})
    LINES.ask(False)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.daemon_threads = True
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    print(origin, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        do(origin, json.loads(line))


if __name__ == "__main__":
    main()
