"""What simple-salesforce does for each action; Salesforce has no SDK of its own in Python."""

from urllib.parse import urlsplit

import requests
from simple_salesforce import Salesforce


def calls(origin, inputs):
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
