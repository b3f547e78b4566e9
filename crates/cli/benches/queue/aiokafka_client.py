"""aiokafka, acknowledged by all replicas (Tansu does not take its idempotent producer): sends as it is told."""

import asyncio
import sys
import time

from aiokafka import AIOKafkaProducer

QUEUE, BODY = "bench", b"x" * 256


async def main():
    servers = sys.argv[1].removeprefix("kafka://")
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()

    for line in sys.stdin:
        size, seconds = (int(word) for word in line.split())
        began, before, sent = time.monotonic(), time.process_time(), 0
        while time.monotonic() - began < seconds:
            under_way = [await producer.send(QUEUE, BODY, headers=[("message-id", b"1")]) for _ in range(size)]
            await asyncio.gather(*under_way)
            sent += 1
        took = time.monotonic() - began
        print((time.process_time() - before) * 1e6 / sent, sent / took, flush=True)


asyncio.run(main())
