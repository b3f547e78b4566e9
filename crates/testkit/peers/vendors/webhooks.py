"""Signs webhooks, and checks them, with the vendors' own libraries: what they accept is right.

Each line of its input is a webhook: `vendor`, `secret`, `url`, `content_type`, `body`, and `at`, in seconds of Unix time. Without
`headers` it is signed, and the answer is a line with those that belong to it; with them it is checked, and the answer says
whether it is `accepted`. It ends when its input does.
"""

import json
import sys
from datetime import datetime, timezone
from urllib.parse import parse_qs


def stripe(hook, headers):
    import stripe

    if headers is None:
        signature = stripe.WebhookSignature.generate_signature_header(hook["body"], hook["secret"], hook["at"])
        return {"stripe-signature": signature}
    return stripe.WebhookSignature.verify_header(hook["body"], headers["stripe-signature"], hook["secret"], 300)


class Fields(dict):
    """A form as web frameworks have it, where a field may be there several times."""

    def getall(self, name):
        return self[name]


def twilio(hook, headers):
    from twilio.request_validator import RequestValidator

    validator = RequestValidator(hook["secret"])
    form = hook["content_type"] == "application/x-www-form-urlencoded"
    fields = Fields(parse_qs(hook["body"], keep_blank_values=True)) if form else hook["body"]
    if headers is None:
        return {"x-twilio-signature": validator.compute_signature(hook["url"], fields if form else {})}
    return validator.validate(hook["url"], fields, headers["x-twilio-signature"])


def hubspot(hook, headers):
    from hubspot.utils.signature import Signature

    time = str(hook["at"] * 1000) if headers is None else headers["x-hubspot-request-timestamp"]
    signed = {"http_uri": hook["url"], "signature_version": "v3", "timestamp": time}
    if headers is None:
        signature = Signature.get_signature(hook["secret"], hook["body"], http_method="POST", **signed)
        return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": time}
    return Signature.is_valid(headers["x-hubspot-signature-v3"], hook["secret"], hook["body"], **signed)


def standard(hook, headers):
    from standardwebhooks import Webhook

    webhook = Webhook(hook["secret"])
    if headers is None:
        id, at = "msg_1", datetime.fromtimestamp(hook["at"], tz=timezone.utc)
        signature = webhook.sign(id, at, hook["body"])
        return {"webhook-id": id, "webhook-timestamp": str(hook["at"]), "webhook-signature": signature}
    webhook.verify(hook["body"], headers, json_parse=False)
    return True


def slack(hook, headers):
    from slack_sdk.signature import SignatureVerifier

    verifier = SignatureVerifier(hook["secret"])
    if headers is None:
        signature = verifier.generate_signature(timestamp=str(hook["at"]), body=hook["body"])
        return {"x-slack-signature": signature, "x-slack-request-timestamp": str(hook["at"])}
    return verifier.is_valid_request(hook["body"], headers)


VENDORS = {"hubspot": hubspot, "slack": slack, "standard": standard, "stripe": stripe, "twilio": twilio}

for line in sys.stdin:
    hook = json.loads(line)
    headers = hook.get("headers")
    try:
        said = VENDORS[hook["vendor"]](hook, headers)
    except Exception as error:
        if headers is None:
            raise
        said = False
        print(repr(error), file=sys.stderr)
    print(json.dumps({"headers": said} if headers is None else {"accepted": said}), flush=True)
