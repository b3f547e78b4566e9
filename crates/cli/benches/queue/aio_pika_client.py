"""aio-pika with confirms: sends as it is told."""

import asyncio
import sys
import time

import aio_pika

QUEUE, BODY = "bench", b"x" * 256


async def main():
    connection = await aio_pika.connect_robust(sys.argv[1])
    channel = await connection.channel(publisher_confirms=True)

    async def send():
        message = aio_pika.Message(body=BODY, message_id="1", delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT)
        await channel.default_exchange.publish(message, routing_key=QUEUE, mandatory=True)

    for line in sys.stdin:
        size, seconds = (int(word) for word in line.split())
        began, before, sent = time.monotonic(), time.process_time(), 0
        while time.monotonic() - began < seconds:
            await asyncio.gather(*(send() for _ in range(size)))
            sent += 1
        took = time.monotonic() - began
        print((time.process_time() - before) * 1e6 / sent, sent / took, flush=True)


asyncio.run(main())
