"""A peer of the tests in a process of its own: `httpbin`, or `moto`, which is AWS as far as S3 goes.

Says on one line where it listens; moto says on a second one whose key it takes. Ends when its input does.
"""

import json
import os
import sys
import threading

from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


def httpbin():
    from httpbin import app

    return app, None


def moto():
    from moto import settings
    from moto.iam.models import iam_backends
    from moto.server import DomainDispatcherApplication, create_backend_app

    # Somebody who may do everything, and nobody else who may do anything.
    iam = iam_backends["123456789012"]["aws"]
    iam.create_user("aws", "tester", "/", None)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [everything]}
    iam.put_user_policy("tester", "all", json.dumps(policy))
    key = iam.create_access_key("tester")
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    return DomainDispatcherApplication(create_backend_app), f"{key.access_key_id} {key.secret_access_key}"


app, key = {"httpbin": httpbin, "moto": moto}[sys.argv[1]]()
server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.port}", *filter(None, [key]), sep="\n", flush=True)
sys.stdin.read()
os._exit(0)
