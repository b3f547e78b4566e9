"""A client of Kafka in a process of its own: librdkafka's, to hold another against.

Started with the address of a broker, it says that address. Each line of its input is a command that is answered by a line
of JSON. It ends when its input does.
"""

import json
import sys
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

address = sys.argv[1]
common = {"bootstrap.servers": address}


def write(topic, compression, count):
    """Writes that many records, whose values are numbers."""
    producer = Producer({**common, "enable.idempotence": True, "compression.type": compression})
    failed = []
    for n in range(int(count)):
        headers = [("n", str(n)), ("n", None)]
        producer.produce(topic, str(n), f"key {n}", headers=headers, on_delivery=lambda error, _: error and failed.append(str(error)))
    left = producer.flush(20)
    return {"left": left, "failed": failed}


def read(topic, count):
    """Reads that many records of partition 0 from its beginning on."""
    consumer = Consumer({**common, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found, end = [], time.monotonic() + 20
    while len(found) < int(count) and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            text = [part and part.decode() for part in (message.key(), message.value())]
            headers = [[name, value and value.decode()] for name, value in message.headers() or []]
            found.append([message.offset(), message.timestamp()[1], *text, headers])
    consumer.close()
    return found


class Member:
    """One of a group, who reads what it is given until it leaves."""

    def __init__(self, group, topic):
        settings = {"group.id": group, "session.timeout.ms": 6000, "auto.offset.reset": "earliest"}
        self.consumer = Consumer({**common, **settings, "heartbeat.interval.ms": 500})
        self.seen, self.partitions, self.stop = [], [], threading.Event()
        self.consumer.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def assigned(self, _, partitions):
        self.partitions = sorted(partition.partition for partition in partitions)

    def revoked(self, *_):
        self.partitions = []

    def run(self):
        while not self.stop.is_set():
            message = self.consumer.poll(0.1)
            if message is not None and message.error() is None:
                self.seen.append(message.value().decode())
        self.consumer.close()


members = []


def join(group, topic):
    """Joins a group."""
    members.append(Member(group, topic))


def part():
    """The partitions that the member has, and the values that it has read."""
    return {"partitions": members[0].partitions, "seen": members[0].seen}


def leave():
    """Leaves, having said how far it has come: the values that it has read."""
    member = members.pop()
    member.stop.set()
    member.thread.join()
    return member.seen


commands = {"write": write, "read": read, "join": join, "part": part, "leave": leave}
print(f"kafka://{address}", flush=True)
for line in sys.stdin:
    name, *words = line.split()
    print(json.dumps(commands[name](*words)), flush=True)
