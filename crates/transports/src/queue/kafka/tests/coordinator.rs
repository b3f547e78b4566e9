//! A coordinator in this process that does as it is told: of a group with one member that follows another one, so that the
//! member meets with what no real one can be made to do at a given moment.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiKey, BrokerId, ConsumerProtocolAssignment, FetchRequest, FetchResponse, FindCoordinatorResponse,
        HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupResponse, ListOffsetsRequest,
        ListOffsetsResponse, MetadataResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest,
        OffsetFetchResponse, RequestHeader, SyncGroupResponse, TopicName,
        consumer_protocol_assignment::TopicPartition,
        fetch_response::{FetchableTopicResponse, PartitionData},
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic},
    },
    protocol::{Decodable, Encodable, StrBytes, decode_request_header_from_buffer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};
use trunkline_testkit::Peer;

use super::{
    super::{codes, compression::Compression, records},
    fake::{all_versions, write},
};

/// The offsets of the records that are kept of each partition.
pub(super) const KEPT: std::ops::Range<i64> = 3..10;

/// Topic `t` with two partitions, and whoever coordinates its group.
#[derive(Default)]
pub(super) struct Coordinator {
    port: AtomicU16,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    generation: i32,
    /// The partitions that the member has in this generation.
    part: Vec<i32>,
    /// What the next heartbeats are answered by; none for one at which the connection ends.
    pub(super) heartbeats: VecDeque<Option<i16>>,
    /// What happens when a member asks for its part, and the error that it hears.
    pub(super) syncs: VecDeque<fn(&mut Self) -> i16>,
    /// Whether who asks where a partition begins has to wait.
    pub(super) is_slow: bool,
    /// By partition, how far the group has come.
    pub(super) committed: BTreeMap<i32, i64>,
    /// As whom members came to join.
    pub(super) joined: Vec<String>,
    /// The requests that came.
    pub(super) seen: Vec<ApiKey>,
    /// The partitions and offsets that were asked for.
    pub(super) fetched: Vec<(i32, i64)>,
}

impl State {
    /// The group shares out anew; the member hears so by its next heartbeat.
    pub(super) fn share_out(&mut self, part: &[i32]) {
        self.shared_out(part);
        self.heartbeats.push_back(Some(codes::REBALANCE_IN_PROGRESS));
    }

    /// The same, of which the member hears nothing.
    pub(super) fn shared_out(&mut self, part: &[i32]) {
        self.generation += 1;
        self.part = part.to_vec();
    }

    pub(super) fn count(&self, api: ApiKey) -> usize {
        self.seen.iter().filter(|seen| **seen == api).count()
    }
}

impl Coordinator {
    pub(super) async fn start(part: &[i32]) -> (Arc<Self>, Peer) {
        let this = Arc::new(Self::default());
        this.state.lock().unwrap().shared_out(part);
        let serving = this.clone();
        let peer = Peer::raw(move |stream| {
            let this = serving.clone();
            async move {
                this.serve(stream).await;
            }
        });
        let peer = peer.await;
        this.port.store(peer.address().port(), SeqCst);
        (this, peer)
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let len = stream.read_i32().await.ok()?;
            let mut body = BytesMut::zeroed(len as usize);
            stream.read_exact(&mut body).await.ok()?;
            let mut body = body.freeze();
            let header = decode_request_header_from_buffer(&mut body).unwrap();
            let api = ApiKey::try_from(header.request_api_key).unwrap();
            self.state.lock().unwrap().seen.push(api);
            while api == ApiKey::ListOffsets && self.state.lock().unwrap().is_slow {
                tokio::task::yield_now().await;
            }
            let answer = match api {
                ApiKey::Fetch => self.fetch(&header, body).await,
                _ => self.answer(api, &header, body)?,
            };
            stream.write_i32(answer.len() as i32).await.ok()?;
            stream.write_all(&answer).await.ok()?;
        }
    }

    /// The answer to a request; `None` to end the connection.
    fn answer(&self, api: ApiKey, header: &RequestHeader, mut body: Bytes) -> Option<BytesMut> {
        let version = header.request_api_version;
        let mut state = self.state.lock().unwrap();
        let member = StrBytes::from_static_str("follower");
        match api {
            ApiKey::ApiVersions => write(header, &all_versions()),
            ApiKey::Metadata => write(header, &self.metadata()),
            ApiKey::FindCoordinator => {
                let port = self.port.load(SeqCst).into();
                let found = FindCoordinatorResponse::default().with_node_id(BrokerId(7)).with_port(port);
                write(header, &found.with_host(StrBytes::from_static_str("127.0.0.1")))
            }
            ApiKey::JoinGroup => {
                let request = JoinGroupRequest::decode(&mut body, version).unwrap();
                state.joined.push(request.member_id.to_string());
                let joined = JoinGroupResponse::default()
                    .with_generation_id(state.generation)
                    .with_protocol_name(Some(StrBytes::from_static_str("range")))
                    .with_leader(StrBytes::from_static_str("leader"))
                    .with_member_id(member);
                write(header, &joined)
            }
            ApiKey::SyncGroup => {
                let error = state.syncs.pop_front().map_or(0, |happens| happens(&mut state));
                let synced = SyncGroupResponse::default().with_error_code(error);
                write(header, &synced.with_assignment(assignment(&state.part)))
            }
            ApiKey::Heartbeat => {
                let error = state.heartbeats.pop_front().unwrap_or(Some(0))?;
                write(header, &HeartbeatResponse::default().with_error_code(error))
            }
            ApiKey::LeaveGroup => write(header, &LeaveGroupResponse::default()),
            ApiKey::OffsetFetch => {
                let request = OffsetFetchRequest::decode(&mut body, version).unwrap();
                let asked = request.topics.unwrap().remove(0).partition_indexes;
                let one = |index: i32| {
                    let offset = state.committed.get(&index).copied().unwrap_or(-1);
                    let one = OffsetFetchResponsePartition::default().with_partition_index(index);
                    one.with_committed_offset(offset)
                };
                let topic = OffsetFetchResponseTopic::default().with_name(topic());
                let topic = topic.with_partitions(asked.into_iter().map(one).collect());
                write(header, &OffsetFetchResponse::default().with_topics(vec![topic]))
            }
            ApiKey::OffsetCommit => {
                let request = OffsetCommitRequest::decode(&mut body, version).unwrap();
                let error = match request.generation_id_or_member_epoch == state.generation {
                    true => 0,
                    false => codes::ILLEGAL_GENERATION,
                };
                let one = |index| {
                    let one = OffsetCommitResponsePartition::default().with_partition_index(index);
                    one.with_error_code(error)
                };
                let said = &request.topics[0].partitions;
                let answer = said.iter().map(|said| one(said.partition_index)).collect();
                if error == 0 {
                    let said = said.iter().map(|said| (said.partition_index, said.committed_offset));
                    state.committed.extend(said);
                }
                let topic = OffsetCommitResponseTopic::default().with_name(topic()).with_partitions(answer);
                write(header, &OffsetCommitResponse::default().with_topics(vec![topic]))
            }
            ApiKey::ListOffsets => {
                let request = ListOffsetsRequest::decode(&mut body, version).unwrap();
                let one = |index| {
                    let one = ListOffsetsPartitionResponse::default().with_partition_index(index);
                    one.with_offset(KEPT.start)
                };
                let asked = request.topics[0].partitions.iter().map(|asked| one(asked.partition_index));
                let topic = ListOffsetsTopicResponse::default().with_name(topic());
                let topic = topic.with_partitions(asked.collect());
                write(header, &ListOffsetsResponse::default().with_topics(vec![topic]))
            }
            other => panic!("{other:?} is not expected"),
        }
    }

    fn metadata(&self) -> MetadataResponse {
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(7))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(self.port.load(SeqCst).into());
        let partition = |index| {
            let partition = MetadataResponsePartition::default().with_leader_id(BrokerId(7));
            partition.with_partition_index(index)
        };
        let topic = MetadataResponseTopic::default().with_name(Some(topic()));
        let topic = topic.with_partitions(vec![partition(0), partition(1)]);
        MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic])
    }

    /// The next record of each partition; a while later where there is none.
    async fn fetch(&self, header: &RequestHeader, mut body: Bytes) -> BytesMut {
        let request = FetchRequest::decode(&mut body, header.request_api_version).unwrap();
        let asked = request.topics[0].partitions.iter().map(|asked| (asked.partition, asked.fetch_offset));
        let asked: Vec<_> = asked.collect();
        self.state.lock().unwrap().fetched.extend(&asked);
        if asked.iter().all(|(_, offset)| !KEPT.contains(offset)) {
            sleep(Duration::from_millis(50)).await;
        }
        let one = |(index, offset): (i32, i64)| {
            let one = PartitionData::default().with_partition_index(index).with_high_watermark(KEPT.end);
            match KEPT.contains(&offset) {
                true => one.with_records(Some(batch(offset))),
                false => one,
            }
        };
        let topic = FetchableTopicResponse::default().with_topic(topic());
        let topic = topic.with_partitions(asked.into_iter().map(one).collect());
        write(header, &FetchResponse::default().with_responses(vec![topic])).unwrap()
    }
}

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str("t"))
}

/// One record, which says its offset.
fn batch(offset: i64) -> Bytes {
    let record = records::Record { value: Some(offset.to_string().into()), ..records::Record::default() };
    let mut batch = records::write([&record].into_iter(), Compression::None).unwrap();
    records::stamp(&mut batch, records::Stamp { id: -1, epoch: -1, sequence: -1 });
    batch[..8].copy_from_slice(&offset.to_be_bytes());
    batch.freeze()
}

fn assignment(part: &[i32]) -> Bytes {
    let topic = TopicPartition::default().with_topic(topic()).with_partitions(part.to_vec());
    let mut out = BytesMut::new();
    out.put_i16(0);
    ConsumerProtocolAssignment::default().with_assigned_partitions(vec![topic]).encode(&mut out, 0).unwrap();
    out.freeze()
}
