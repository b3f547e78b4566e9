"""What HubSpot's SDK does for each action."""

from hubspot import Client


def calls(origin, inputs):
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
