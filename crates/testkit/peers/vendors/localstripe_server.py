"""A Stripe for tests (PyPI `localstripe`) in a process of its own: says on one line where it listens, and ends when its input
does."""

import asyncio
import sys

from aiohttp import web
from localstripe.resources import store
from localstripe.server import app


async def serve():
    # One file would be that of all who run at the same time.
    store.dump_to_disk = lambda: None
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(serve())
