"""Records what vendors' own SDKs send, and anything else that asks it.

It prints its origin, then a line of JSON for each request that it gets: method, path, query, headers, body. Each line of
its input names an action of a connector, with the input of that action; the vendor's SDK, a file of `sdks`, is asked to do
the same:

    {"vendor": "stripe", "action": "get_customer", "inputs": {"secret_key": "sk_test_1"}, "input": {"customer_id": "cus_1"}}

Where an SDK sends nothing, the line is `{"error": "…"}`. Whoever asks for an access token at `/token` is given the one that
the SDKs are given, `token`, and that is not recorded. It ends when its input does.
"""

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class Recorder(BaseHTTPRequestHandler):
    """Answers an empty object, which is enough: what is made of answers is the business of who asks."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urlsplit(self.path)
        reply = {}
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
        if url.path == "/token":
            origin = f"http://{self.headers['host']}"
            # Salesforce says where the token is good.
            reply = {"access_token": "token", "token_type": "Bearer", "expires_in": 3600, "instance_url": origin}
        else:
            LINES.put(line)
        text = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


class Once:
    """What was recorded since the last line: printed at once, but while an SDK is asked the first alone, when it is done."""

    def __init__(self):
        self.lock, self.asking, self.said = threading.Lock(), False, []

    def put(self, line):
        with self.lock:
            if self.asking:
                self.said.append(line)
            else:
                print(json.dumps(line), flush=True)

    def ask(self):
        with self.lock:
            self.asking, self.said = True, []

    def done(self, problem):
        with self.lock:
            # An SDK that asks for more, such as a second page, is not listened to any further.
            print(json.dumps(self.said[0] if self.said else {"error": problem}), flush=True)
            self.asking = False


LINES = Once()


def do(origin, asked):
    """Asks an SDK. What it makes of the answer is nobody's business, that it asked is."""
    LINES.ask()
    try:
        sdk = importlib.import_module("sdks." + asked["vendor"])
        calls = sdk.calls(origin, asked["inputs"])
        calls[asked["action"]](dict(asked["input"]))
        problem = "it sent nothing"
    except Exception as error:  # an SDK may raise anything
        problem = f"{type(error).__name__}: {error}"
    LINES.done(problem)


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
