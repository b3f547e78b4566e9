"""A Kafka cluster in a process of its own that fails as it is told to: the mock of librdkafka, which is for tests.

Started with a number of brokers, it says where each listens, on a line of its own. Each line of its input is a command
that is answered by `ok`, or by what was wrong with it. It ends when its input does.
"""

import ctypes
import glob
import os
import sys

import confluent_kafka

folder = os.path.dirname(os.path.dirname(confluent_kafka.__file__))
[library] = glob.glob(f"{folder}/confluent_kafka.libs/librdkafka-*")
kafka = ctypes.CDLL(library)
kafka.rd_kafka_err2name.restype = ctypes.c_char_p
for name in ["rd_kafka_new", "rd_kafka_conf_new", "rd_kafka_mock_cluster_new"]:
    getattr(kafka, name).restype = ctypes.c_void_p
kafka.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p

# Those of the protocol.
ERRORS = {kafka.rd_kafka_err2name(code).decode(): code for code in range(-1, 150)}
# Of the protocol too.
REQUESTS = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "LeaveGroup": 13,
    "SyncGroup": 14,
    "SaslHandshake": 17,
    "ApiVersions": 18,
    "CreateTopics": 19,
    "InitProducerId": 22,
    "OffsetForLeaderEpoch": 23,
    "AddPartitionsToTxn": 24,
    "AddOffsetsToTxn": 25,
    "EndTxn": 26,
    "TxnOffsetCommit": 28,
}

brokers = int(sys.argv[1])
said = ctypes.create_string_buffer(512)
# A producer, which makes no connection.
client = ctypes.c_void_p(kafka.rd_kafka_new(0, ctypes.c_void_p(kafka.rd_kafka_conf_new()), said, len(said)))
cluster = ctypes.c_void_p(kafka.rd_kafka_mock_cluster_new(client, brokers))
# A group waits for other members before it begins; three seconds unless told.
kafka.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)


def topic(name, partitions):
    return kafka.rd_kafka_mock_topic_create(cluster, name.encode(), int(partitions), brokers)


def leader(name, partition, broker):
    return kafka.rd_kafka_mock_partition_set_leader(cluster, name.encode(), int(partition), int(broker))


def coordinator(kind, key, broker):
    return kafka.rd_kafka_mock_coordinator_set(cluster, kind.encode(), key.encode(), int(broker))


def down(broker):
    return kafka.rd_kafka_mock_broker_set_down(cluster, int(broker))


def up(broker):
    return kafka.rd_kafka_mock_broker_set_up(cluster, int(broker))


def slow(broker, milliseconds):
    return kafka.rd_kafka_mock_broker_set_rtt(cluster, int(broker), int(milliseconds))


def error(request, name, times="1"):
    codes = (ctypes.c_int * int(times))(*[ERRORS[name]] * int(times))
    kafka.rd_kafka_mock_push_request_errors_array(
        cluster, ctypes.c_int16(REQUESTS[request]), ctypes.c_size_t(int(times)), codes
    )
    return 0


def topic_error(name, code):
    kafka.rd_kafka_mock_topic_set_error(cluster, name.encode(), ERRORS[code])
    return 0


def clear(request):
    kafka.rd_kafka_mock_clear_request_errors(cluster, ctypes.c_int16(REQUESTS[request]))
    return 0


COMMANDS = {
    command.__name__: command
    for command in [topic, leader, coordinator, down, up, slow, error, topic_error, clear]
}

for address in kafka.rd_kafka_mock_cluster_bootstraps(cluster).decode().split(","):
    print(f"kafka://{address}", flush=True)
for line in sys.stdin:
    command, *words = line.split()
    try:
        failed = COMMANDS[command](*words)
        answer = kafka.rd_kafka_err2name(failed).decode() if failed else "ok"
    except Exception as failure:
        answer = repr(failure)
    print(answer, flush=True)
os._exit(0)
