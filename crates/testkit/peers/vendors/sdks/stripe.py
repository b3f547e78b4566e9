"""What Stripe's SDK does for each action."""

import stripe


def calls(origin, inputs):
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
