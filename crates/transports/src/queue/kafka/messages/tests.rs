//! Every request in every version, as another implementation of the protocol reads it, and every reply as that writes it.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        self as theirs, BrokerId, GroupId, ProducerId, TopicName,
        create_topics_response::CreatableTopicResult,
        fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData},
        join_group_response::JoinGroupResponseMember,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic},
        produce_response::{BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse},
    },
    protocol::{Decodable, Encodable, Request as Theirs, StrBytes},
};

use super::{
    admin::CreateTopic,
    fetch::{Fetch, From, ListOffsets, Listed},
    group::{Heartbeat, Identity, JoinGroup, LeaveGroup, SyncGroup},
    metadata::{FindCoordinator, Metadata},
    offsets::{Committed, OffsetCommit, OffsetFetch},
    produce::{InitProducerId, Produce},
    session::{SaslAuthenticate, SaslHandshake},
    *,
};

/// Writes a request in each version for `asked` to look at, and reads the reply in each for `told`. A field that only later
/// versions have is looked at with the version at hand.
fn check<R, T>(
    request: &R,
    asked: impl Fn(T, i16),
    reply: impl Fn(i16) -> T::Response,
    told: impl Fn(R::Reply, i16),
) where
    R: Request<Reply: Debug>,
    T: Theirs,
{
    let api = R::API;
    assert_eq!(api.key, T::KEY, "{}", api.name);
    for version in api.versions.0..=api.versions.1 {
        assert_eq!(version >= api.flexible, T::header_version(version) == 2, "{} {version}", api.name);
        let mut to = Writer::default();
        request.write(&mut to, version);
        let mut bytes = to.0.freeze();
        asked(T::decode(&mut bytes, version).unwrap(), version);
        assert!(bytes.is_empty(), "{} {version}: {} bytes are left", api.name, bytes.len());

        let mut bytes = BytesMut::new();
        reply(version).encode(&mut bytes, version).unwrap();
        let whole = bytes.freeze();
        let mut from = Reader(whole.clone());
        told(R::read(&mut from, version).unwrap(), version);
        for len in 0..whole.len() {
            // What is cut off is an error, or a reply whose end was of no use; never anything worse.
            let _ = R::read(&mut Reader(whole.slice(..len)), version);
        }
    }
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic() -> TopicName {
    TopicName(text("t"))
}

fn of_topic<P>(partitions: Vec<P>) -> Vec<OfTopic<P>> {
    vec![OfTopic { name: "t".to_owned(), partitions }]
}

fn who() -> Identity {
    Identity { group: "g".to_owned(), generation: 3, member: "m".to_owned() }
}

#[test]
fn logins_are_understood() {
    check::<_, theirs::SaslHandshakeRequest>(
        &SaslHandshake { mechanism: "PLAIN" },
        |asked, _| assert_eq!(&*asked.mechanism, "PLAIN"),
        |_| theirs::SaslHandshakeResponse::default().with_error_code(33).with_mechanisms(vec![text("X")]),
        |told, _| assert_eq!((told.error, &*told.offered), (33, &["X".to_owned()][..])),
    );
    check::<_, theirs::SaslAuthenticateRequest>(
        &SaslAuthenticate { message: b"hello" },
        |asked, _| assert_eq!(asked.auth_bytes, "hello"),
        |version| {
            theirs::SaslAuthenticateResponse::default()
                .with_error_code(58)
                .with_error_message(Some(text("no")))
                .with_auth_bytes("bytes".into())
                .with_session_lifetime_ms(if version >= 1 { 9 } else { 0 })
        },
        |told, version| {
            assert_eq!((told.error, told.reason.as_deref()), (58, Some("no")));
            assert_eq!((&told.message[..], told.lifetime), (&b"bytes"[..], i64::from(version.min(1)) * 9));
        },
    );
}

#[test]
fn clusters_are_understood() {
    let topics = ["t".to_owned()];
    check::<_, theirs::MetadataRequest>(
        &Metadata { topics: Some(&topics), create: true },
        |asked, _| {
            assert!(asked.allow_auto_topic_creation);
            assert_eq!(asked.topics.unwrap()[0].name, Some(topic()));
        },
        |_| {
            let broker =
                MetadataResponseBroker::default().with_node_id(BrokerId(7)).with_host(text("h")).with_port(9);
            let partition = MetadataResponsePartition::default()
                .with_partition_index(2)
                .with_leader_id(BrokerId(7))
                .with_replica_nodes(vec![BrokerId(7), BrokerId(8)])
                .with_isr_nodes(vec![BrokerId(7)]);
            let topic = MetadataResponseTopic::default()
                .with_error_code(5)
                .with_name(Some(topic()))
                .with_is_internal(true)
                .with_partitions(vec![partition]);
            theirs::MetadataResponse::default()
                .with_brokers(vec![broker.with_rack(Some(text("r")))])
                .with_cluster_id(Some(text("c")))
                .with_controller_id(BrokerId(7))
                .with_topics(vec![topic])
        },
        |told, _| {
            assert_eq!((told.cluster_id.as_deref(), told.controller), (Some("c"), 7));
            assert_eq!((told.brokers[0].id, &*told.brokers[0].host, told.brokers[0].port), (7, "h", 9));
            let topic = &told.topics[0];
            assert_eq!((topic.error, &*topic.name, topic.internal), (5, "t", true));
            let partition = &topic.partitions[0];
            assert_eq!((partition.index, partition.leader), (2, 7));
            assert_eq!((&*partition.replicas, &*partition.in_sync), (&[7, 8][..], &[7][..]));
        },
    );
    check::<_, theirs::FindCoordinatorRequest>(
        &FindCoordinator { group: "g" },
        |asked, _| assert_eq!((&*asked.key, asked.key_type), ("g", 0)),
        |_| {
            theirs::FindCoordinatorResponse::default()
                .with_error_code(15)
                .with_error_message(Some(text("why")))
                .with_node_id(BrokerId(7))
                .with_host(text("h"))
                .with_port(9)
        },
        |told, _| {
            assert_eq!((told.error, told.reason.as_deref(), told.broker.id), (15, Some("why"), 7));
        },
    );
    let settings = [("retention.ms".to_owned(), "1".to_owned())];
    check::<_, theirs::CreateTopicsRequest>(
        &CreateTopic { name: "t", partitions: 3, replicas: -1, settings: &settings, timeout: 5 },
        |asked, _| {
            let topic = &asked.topics[0];
            assert_eq!((&*topic.name.0, topic.num_partitions, topic.replication_factor), ("t", 3, -1));
            assert_eq!(
                (&*topic.configs[0].name, topic.configs[0].value.as_deref()),
                ("retention.ms", Some("1"))
            );
            assert_eq!((asked.timeout_ms, asked.validate_only), (5, false));
        },
        |_| {
            let topic = CreatableTopicResult::default().with_name(topic()).with_error_code(36);
            theirs::CreateTopicsResponse::default()
                .with_topics(vec![topic.with_error_message(Some(text("why")))])
        },
        |told, _| assert_eq!((told.error, told.reason.as_deref()), (36, Some("why"))),
    );
}

#[test]
fn records_are_understood() {
    check::<_, theirs::InitProducerIdRequest>(
        &InitProducerId,
        |asked, version| {
            assert_eq!(asked.transactional_id, None);
            assert!(version < 3 || asked.producer_id == ProducerId(-1));
        },
        |_| theirs::InitProducerIdResponse::default().with_producer_id(ProducerId(5)).with_producer_epoch(2),
        |told, _| assert_eq!((told.error, told.id, told.epoch), (0, 5, 2)),
    );
    check::<_, theirs::ProduceRequest>(
        &Produce { topic: "t", partition: 2, batch: b"batch", timeout: 9 },
        |asked, _| {
            let partition = &asked.topic_data[0].partition_data[0];
            assert_eq!((asked.acks, asked.timeout_ms, partition.index), (-1, 9, 2));
            assert_eq!(partition.records.as_deref(), Some(&b"batch"[..]));
        },
        |version| {
            let mut partition = PartitionProduceResponse::default()
                .with_index(2)
                .with_error_code(87)
                .with_base_offset(40)
                .with_log_append_time_ms(50)
                .with_log_start_offset(if version >= 5 { 1 } else { -1 });
            if version >= 8 {
                let fault = BatchIndexAndErrorMessage::default().with_batch_index(1);
                partition = partition
                    .with_record_errors(vec![fault.with_batch_index_error_message(Some(text("odd")))])
                    .with_error_message(Some(text("why")));
            }
            let topic =
                TopicProduceResponse::default().with_name(topic()).with_partition_responses(vec![partition]);
            theirs::ProduceResponse::default().with_responses(vec![topic])
        },
        |told, version| {
            assert_eq!((told.error, told.offset, told.appended), (87, 40, 50));
            assert!(version < 8 || told.reason.as_deref() == Some("why") && told.faults[0].0 == 1);
        },
    );
    let topics = of_topic(vec![From { partition: 2, offset: 40 }]);
    check::<_, theirs::FetchRequest>(
        &Fetch { max_wait: 1, min_bytes: 2, max_bytes: 3, partition_max_bytes: 4, committed: true, topics },
        |asked, _| {
            assert_eq!(
                (asked.max_wait_ms, asked.min_bytes, asked.max_bytes, asked.isolation_level),
                (1, 2, 3, 1)
            );
            let partition = &asked.topics[0].partitions[0];
            assert_eq!(
                (partition.partition, partition.fetch_offset, partition.partition_max_bytes),
                (2, 40, 4)
            );
        },
        |version| {
            let aborted = AbortedTransaction::default().with_producer_id(ProducerId(5)).with_first_offset(6);
            let partition = PartitionData::default()
                .with_partition_index(2)
                .with_error_code(1)
                .with_high_watermark(99)
                .with_last_stable_offset(98)
                .with_aborted_transactions(Some(vec![aborted]))
                .with_records(Some("records".into()));
            let topic =
                FetchableTopicResponse::default().with_topic(topic()).with_partitions(vec![partition]);
            theirs::FetchResponse::default()
                .with_error_code(if version >= 7 { 70 } else { 0 })
                .with_responses(vec![topic])
        },
        |told, version| {
            assert_eq!(told.error, if version >= 7 { 70 } else { 0 });
            let slice = &told.topics[0].partitions[0];
            assert_eq!((slice.partition, slice.error, slice.end, &*slice.aborted), (2, 1, 99, &[(5, 6)][..]));
            assert_eq!(slice.records, "records");
        },
    );
    check::<_, theirs::ListOffsetsRequest>(
        &ListOffsets { committed: true, topics: of_topic(vec![(2, -2)]) },
        |asked, version| {
            assert!(version < 2 || asked.isolation_level == 1);
            let partition = &asked.topics[0].partitions[0];
            assert_eq!((partition.partition_index, partition.timestamp), (2, -2));
        },
        |_| {
            let partition = ListOffsetsPartitionResponse::default()
                .with_partition_index(2)
                .with_error_code(3)
                .with_offset(40);
            let topic =
                ListOffsetsTopicResponse::default().with_name(topic()).with_partitions(vec![partition]);
            theirs::ListOffsetsResponse::default().with_topics(vec![topic])
        },
        |told, _| assert_eq!(told[0].partitions, [Listed { partition: 2, error: 3, offset: 40 }]),
    );
}

#[test]
fn groups_are_understood() {
    let who = who();
    let group = GroupId(text("g"));
    check::<_, theirs::JoinGroupRequest>(
        &JoinGroup {
            who: &who,
            session: 1,
            rebalance: 2,
            assignors: &["range", "roundrobin"],
            subscription: b"s",
        },
        |asked, _| {
            assert_eq!(
                (&asked.group_id, &*asked.member_id, &*asked.protocol_type),
                (&group, "m", "consumer")
            );
            assert_eq!((asked.session_timeout_ms, asked.rebalance_timeout_ms), (1, 2));
            let names: Vec<_> = asked.protocols.iter().map(|way| &*way.name).collect();
            assert_eq!((names, &asked.protocols[1].metadata[..]), (vec!["range", "roundrobin"], &b"s"[..]));
        },
        |_| {
            let member =
                JoinGroupResponseMember::default().with_member_id(text("m")).with_metadata("s".into());
            theirs::JoinGroupResponse::default()
                .with_error_code(79)
                .with_generation_id(4)
                .with_protocol_name(Some(text("range")))
                .with_leader(text("l"))
                .with_member_id(text("m"))
                .with_members(vec![member])
        },
        |told, _| {
            assert_eq!((told.error, told.generation, &*told.assignor), (79, 4, "range"));
            assert_eq!((&*told.leader, &*told.member), ("l", "m"));
            assert_eq!(told.members, [("m".to_owned(), Bytes::from("s"))]);
        },
    );
    check::<_, theirs::SyncGroupRequest>(
        &SyncGroup { who: &who, assignments: &[("m".to_owned(), "a".into())] },
        |asked, _| {
            assert_eq!((&asked.group_id, asked.generation_id, &*asked.member_id), (&group, 3, "m"));
            assert_eq!(
                (&*asked.assignments[0].member_id, &asked.assignments[0].assignment[..]),
                ("m", &b"a"[..])
            );
        },
        |_| theirs::SyncGroupResponse::default().with_error_code(27).with_assignment("a".into()),
        |told, _| assert_eq!((told.error, &told.assignment[..]), (27, &b"a"[..])),
    );
    check::<_, theirs::HeartbeatRequest>(
        &Heartbeat(&who),
        |asked, _| assert_eq!((&asked.group_id, asked.generation_id, &*asked.member_id), (&group, 3, "m")),
        |_| theirs::HeartbeatResponse::default().with_error_code(27),
        |told, _| assert_eq!(told, 27),
    );
    check::<_, theirs::LeaveGroupRequest>(
        &LeaveGroup(&who),
        |asked, _| assert_eq!((&asked.group_id, &*asked.member_id), (&group, "m")),
        |_| theirs::LeaveGroupResponse::default().with_error_code(25),
        |told, _| assert_eq!(told, 25),
    );
    check::<_, theirs::OffsetCommitRequest>(
        &OffsetCommit { who: &who, topics: of_topic(vec![(2, 40)]) },
        |asked, _| {
            assert_eq!(
                (&asked.group_id, asked.generation_id_or_member_epoch, &*asked.member_id),
                (&group, 3, "m")
            );
            let partition = &asked.topics[0].partitions[0];
            assert_eq!((partition.partition_index, partition.committed_offset), (2, 40));
        },
        |_| {
            let partition =
                OffsetCommitResponsePartition::default().with_partition_index(2).with_error_code(22);
            let topic =
                OffsetCommitResponseTopic::default().with_name(topic()).with_partitions(vec![partition]);
            theirs::OffsetCommitResponse::default().with_topics(vec![topic])
        },
        |told, _| assert_eq!(told, of_topic(vec![(2, 22)])),
    );
    check::<_, theirs::OffsetFetchRequest>(
        &OffsetFetch { group: "g", topics: of_topic(vec![2]) },
        |asked, _| assert_eq!(asked.topics.unwrap()[0].partition_indexes, [2]),
        |_| {
            let partition = OffsetFetchResponsePartition::default()
                .with_partition_index(2)
                .with_committed_offset(40)
                .with_metadata(Some(text("x")))
                .with_error_code(3);
            let topic =
                OffsetFetchResponseTopic::default().with_name(topic()).with_partitions(vec![partition]);
            theirs::OffsetFetchResponse::default().with_topics(vec![topic]).with_error_code(14)
        },
        |told, _| {
            assert_eq!(told.error, 14);
            assert_eq!(told.topics, of_topic(vec![Committed { partition: 2, offset: 40, error: 3 }]));
        },
    );
}

#[test]
fn what_members_tell_each_other_is_understood() {
    let mut bytes = group::subscription(&["t".to_owned()]);
    let version = i16::from_be_bytes([bytes[0], bytes[1]]);
    let _ = bytes.split_to(2);
    let read = theirs::ConsumerProtocolSubscription::decode(&mut bytes, version).unwrap();
    assert_eq!(read.topics, [text("t")]);
    for version in 0..=3_i16 {
        let mut bytes = BytesMut::from(&version.to_be_bytes()[..]);
        let wish = theirs::ConsumerProtocolSubscription::default().with_topics(vec![text("t"), text("u")]);
        wish.encode(&mut bytes, version).unwrap();
        assert_eq!(group::read_subscription(bytes.freeze()).unwrap(), ["t", "u"]);
    }
    let part = of_topic(vec![0, 2]);
    let mut bytes = group::assignment(&part);
    let _ = bytes.split_to(2);
    let read = theirs::ConsumerProtocolAssignment::decode(&mut bytes, 0).unwrap();
    assert_eq!(
        (&read.assigned_partitions[0].topic, &*read.assigned_partitions[0].partitions),
        (&topic(), &[0, 2][..])
    );
    assert_eq!(group::read_assignment(group::assignment(&part)).unwrap(), part);
    assert_eq!(group::read_assignment(Bytes::new()).unwrap(), []);
}
