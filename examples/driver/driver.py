"""A driver for Trunkline: a folder of CSV files as a service. It needs nothing but Python 3.9 or later.

    python3 driver.py --folder ./data --port 9000 --token s3cret

The protocol is described in docs/custom.md. Requests that this driver understands:

    {"action": "list"}                                         the files
    {"action": "get", "file": "customers", "where": {"id": 7}} rows, those that match
    {"action": "add", "file": "customers", "row": {"id": 8}}   appends a row
    /stream with {"file": "customers"}                         rows, as they are added, with "where" those that match
"""

import argparse
import csv
import hmac
import json
import pathlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Failure(Exception):
    """Becomes {"error": ...}: kinds are those of docs/custom.md."""

    def __init__(self, kind, message, **more):
        super().__init__(message)
        self.error = {"kind": kind, "message": message, **more}


class Folder:
    """What the service can do."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def file(self, request):
        name = request.get("file")
        # A name is no path: nobody leaves the folder.
        if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
            raise Failure("rejected", "file: must be a name such as customers")
        path = self.path / f"{name}.csv"
        if not path.is_file():
            raise Failure("rejected", f"file: there is no {name}.csv")
        return path

    def list(self, request):
        return sorted(path.stem for path in self.path.glob("*.csv"))

    def get(self, request):
        where = request.get("where", {})
        if not isinstance(where, dict):
            raise Failure("rejected", "where: must be an object such as {\"id\": 7}")
        where = {key: str(value) for key, value in where.items()}
        with self.file(request).open(newline="") as file:
            return [row for row in csv.DictReader(file) if all(row.get(key) == value for key, value in where.items())]

    def add(self, request):
        path, row = self.file(request), request.get("row")
        with path.open(newline="") as file:
            columns = next(csv.reader(file), [])
        if not isinstance(row, dict) or set(row) - set(columns):
            raise Failure("rejected", f"row: may have {', '.join(columns)}", json={"columns": columns})
        with path.open("a", newline="") as file:
            csv.DictWriter(file, columns).writerow(row)
        return {"added": 1}

    def schema(self):
        def columns(path):
            with path.open(newline="") as file:
                return next(csv.reader(file), [])

        return {"files": [{"name": path.stem, "columns": columns(path)} for path in sorted(self.path.glob("*.csv"))]}

    def follow(self, request):
        """Rows that are added from now on; nothing where there was none for a while."""
        path = self.file(request)
        seen = len(self.get(request))
        while True:
            rows = self.get(request)
            for row in rows[seen:]:
                yield row
            seen = len(rows)
            yield None
            time.sleep(0.2)


class Driver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is written in two pieces, and the second would wait until the first was acknowledged.
    disable_nagle_algorithm = True
    folder, token = None, None

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.token and not hmac.compare_digest(self.headers["authorization"] or "", f"Bearer {self.token}"):
            return self.send(401, {})
        if question["protocol"] != 1:
            return self.send(200, {"error": {"kind": "unsupported", "message": "this driver speaks protocol 1"}})
        try:
            if self.path == "/call":
                self.send(200, {"json": self.call(question["request"])})
            elif self.path == "/probe":
                self.send(200, {"json": {"files": len(self.folder.list({}))}})
            elif self.path == "/schema":
                self.send(200, {"json": self.folder.schema()})
            elif self.path == "/stream":
                self.stream(question["request"])
            else:
                self.send(404, {})
        except Failure as failure:
            self.send(200, {"error": failure.error})
        except OSError as error:
            self.send(200, {"error": {"kind": "failed", "message": error.strerror}})
        except Exception as error:
            # Who is silent is taken for dead: then nobody is let through for a while.
            self.send(200, {"error": {"kind": "failed", "message": f"the driver failed: {error!r}"}})

    def call(self, request):
        actions = {"list": self.folder.list, "get": self.folder.get, "add": self.folder.add}
        action = actions.get(str(request.get("action")))
        if action is None:
            raise Failure("invalid_config", f"action: is one of {', '.join(actions)}", outcome="rejected")
        return action(request)

    def stream(self, request):
        rows = self.folder.follow(request)
        next(rows)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for row in rows:
                # A comment now and then keeps the way open, and finds out whether anybody still reads.
                self.wfile.write(f"data: {json.dumps(row)}\n\n".encode() if row else b":\n\n")
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def send(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing: a log could hold what callers confide."""


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="A folder of CSV files, as a driver for Trunkline.")
    options.add_argument("--folder", default=".")
    options.add_argument("--port", type=int, default=9000, help="0 takes any that is free")
    options.add_argument("--token", help="what Trunkline has to show, as driver_token of the integration")
    options = options.parse_args()
    Driver.folder, Driver.token = Folder(options.folder), options.token
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Driver)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
