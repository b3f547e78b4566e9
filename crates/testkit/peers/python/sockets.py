"""A WebSocket service of PyPI `websockets`, in a process of its own. How it behaves is in the path, as in `/echo`.

Says on one line where it listens. Ends when its input does.
"""

import asyncio
import json
import os
import sys
import threading
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import broadcast, serve

ways = {}
everybody = set()


def way(function):
    ways[function.__name__] = function
    return function


@way
async def echo(socket, _):
    """Answers each message with itself."""
    async for message in socket:
        await socket.send(message)


@way
async def backwards(socket, options):
    """Waits for so many messages and answers them in reverse."""
    messages = [await socket.recv() for _ in range(int(options["n"]))]
    for message in reversed(messages):
        await socket.send(message)
    await socket.wait_closed()


@way
async def late(socket, _):
    """Says to all that it holds a message that says `wait`, and answers it only after the next one has come, and before it."""
    held = []
    everybody.add(socket)
    async for message in socket:
        if json.loads(message).get("wait"):
            held.append(message)
            broadcast(everybody, '{"held": true}')
            continue
        for message in [*held, message]:
            await socket.send(message)
        held.clear()


@way
async def wraps(socket, _):
    """Answers each message with an object that has it in it, and its id elsewhere and as a number with a point."""
    async for message in socket:
        message = json.loads(message)
        await socket.send(json.dumps({"re": float(message["id"]), "of": message}))


@way
async def pushes(socket, _):
    """Says something that nobody asked for before and after each answer, some of it like an answer."""
    async for message in socket:
        await socket.send(json.dumps({"push": 1}))
        await socket.send(json.dumps({"id": 10**9, "push": 2}))
        await socket.send(message)
        await socket.send(message)
        await socket.send("not JSON at all")


@way
async def lose(socket, _):
    """Is gone when the first message has come."""
    await socket.recv()
    socket.transport.abort()


@way
async def fail(socket, _):
    """Fails at the first message: 1011."""
    await socket.recv()
    raise RuntimeError("it was made to")


@way
async def silence(socket, _):
    """Answers the first message, and then neither messages nor pings."""
    await socket.send(await socket.recv())
    socket.transport.pause_reading()
    await asyncio.Event().wait()


@way
async def fragments(socket, _):
    """Answers in three fragments."""
    async for message in socket:
        third = len(message) // 3
        await socket.send([message[:third], message[third : 2 * third], message[2 * third :]])


@way
async def large(socket, options):
    """Answers with so many bytes."""
    async for _ in socket:
        await socket.send("x" * int(options["n"]))


@way
async def chosen(socket, _):
    """Says which subprotocol was chosen, and which extension."""
    extensions = [extension.name for extension in socket.protocol.extensions]
    async for _ in socket:
        await socket.send(json.dumps({"subprotocol": socket.subprotocol, "extensions": extensions}))


@way
async def guarded(socket, _):
    """Says who asks: only those come so far who showed a token that is good."""
    async for _ in socket:
        await socket.send(json.dumps({"token": socket.request.headers["authorization"]}))


@way
async def login(socket, _):
    """Wants a good key in the first message: 4401."""
    if json.loads(await socket.recv()).get("key") != "good":
        await socket.close(4401, "log in")
    await echo(socket, _)


@way
async def quote(socket, _):
    """Closes with what it was told."""
    await socket.close(4002, json.loads(await socket.recv())["key"])


@way
async def channel(socket, _):
    """Numbers each message of a channel from when it is subscribed to; `lose` ends the connection without a farewell."""
    async for message in socket:
        message = json.loads(message)
        if message.get("op") == "subscribe":
            for n in range(3):
                await socket.send(json.dumps({"channel": message["channel"], "n": n}))
        elif message.get("op") == "lose":
            socket.transport.abort()
        else:
            await socket.send(json.dumps(message))


async def handle(socket):
    url = urlsplit(socket.request.path)
    options = {name: values[0] for name, values in parse_qs(url.query).items()}
    await ways[url.path.strip("/")](socket, options)


def choose(_, offered):
    return next((name for name in ["v2", "v1"] if name in offered), None)


def judge(connection, request):
    if request.path == "/guarded" and request.headers.get("authorization") != "Bearer good":
        return connection.respond(HTTPStatus.UNAUTHORIZED, "who is there?\n")


async def main():
    # Its own pings would end the silence.
    options = {"ping_interval": None, "select_subprotocol": choose, "process_request": judge, "max_size": 2**26}
    async with serve(handle, "127.0.0.1", 0, **options) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"http://{host}:{port}", flush=True)
        await asyncio.Event().wait()


def until_the_end():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=until_the_end, daemon=True).start()
asyncio.run(main())
