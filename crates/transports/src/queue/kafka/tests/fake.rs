//! A broker in this process that does as it is told, so that it fails in ways and at moments that no real one can be made to.
//! What it says is put together by another implementation of the protocol than the one under test.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
};

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiKey, ApiVersionsResponse, BrokerId, InitProducerIdResponse, MetadataRequest, MetadataResponse,
        ProduceRequest, ProduceResponse, ProducerId, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
        SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse, TopicName,
        api_versions_response::ApiVersion,
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    },
    protocol::{Decodable, Encodable, HeaderVersion, StrBytes, decode_request_header_from_buffer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_testkit::Peer;

use super::super::{codes, records::Batches};

/// What happens to a request to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// It is done.
    Nothing,
    /// The connection ends before it is done.
    LostBefore,
    /// The connection ends once it is done.
    LostAfter,
    /// It is not done.
    Refused(i16),
    /// It is done, and the answer says otherwise.
    Doubted(i16),
    /// The broker forgets who has written, and refuses, as those before Kafka 2.5 do.
    Forgets,
    /// It is done, and the answer is that another broker leads, which is not there.
    Moves,
}

/// The broker: one partition of the topic `t`, one user.
#[derive(Default)]
pub(super) struct Fake {
    port: AtomicU16,
    pub(super) state: Mutex<State>,
}

/// What is said to a message of a login, by its number, or the error.
type Login = fn(usize, &[u8]) -> Result<Vec<u8>, i16>;

#[derive(Default)]
pub(super) struct State {
    /// What happens to the next requests to write; nothing to those behind them.
    pub(super) faults: VecDeque<Fault>,
    /// The values that were written.
    pub(super) log: Vec<Bytes>,
    /// The first value of each request to write that came.
    pub(super) seen: Vec<Bytes>,
    producers: HashMap<i64, VecDeque<(i32, i32, i64)>>,
    identities: i64,
    /// Whether it refuses whoever it does not know and who does not begin with the first number.
    is_old: bool,
    /// Batches of more records are too large.
    pub(super) most: Option<i32>,
    /// How logins go.
    pub(super) login: Option<Login>,
    /// The host that it says it is reached at, if that is another one.
    pub(super) elsewhere: Option<&'static str>,
}

impl Fake {
    pub(super) async fn start() -> (Arc<Self>, Peer) {
        let fake = Arc::new(Self::default());
        let serving = fake.clone();
        let peer = Peer::raw(move |stream| {
            let fake = serving.clone();
            async move {
                fake.serve(stream).await;
            }
        });
        let peer = peer.await;
        fake.port.store(peer.address().port(), SeqCst);
        (fake, peer)
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut logins = 0;
        loop {
            let len = stream.read_i32().await.ok()?;
            let mut body = BytesMut::zeroed(len as usize);
            stream.read_exact(&mut body).await.ok()?;
            let mut body = body.freeze();
            let header = decode_request_header_from_buffer(&mut body).unwrap();
            let answer = self.answer(&header, body, &mut logins)?;
            stream.write_i32(answer.len() as i32).await.ok()?;
            stream.write_all(&answer).await.ok()?;
        }
    }

    /// The answer to a request; `None` to end the connection.
    fn answer(&self, header: &RequestHeader, mut body: Bytes, logins: &mut usize) -> Option<BytesMut> {
        let version = header.request_api_version;
        let mut state = self.state.lock().unwrap();
        match ApiKey::try_from(header.request_api_key).unwrap() {
            ApiKey::ApiVersions => write(header, &all_versions()),
            ApiKey::Metadata => {
                let request = MetadataRequest::decode(&mut body, version).unwrap();
                let names = request.topics.unwrap_or_default().into_iter().filter_map(|topic| topic.name);
                write(header, &self.metadata(&state, names))
            }
            ApiKey::InitProducerId => {
                state.identities += 1;
                let id = ProducerId(state.identities);
                write(header, &InitProducerIdResponse::default().with_producer_id(id).with_producer_epoch(0))
            }
            ApiKey::Produce => {
                let request = ProduceRequest::decode(&mut body, version).unwrap();
                let topic = &request.topic_data[0];
                let (error, offset) = state.produce(topic.partition_data[0].records.clone().unwrap())?;
                let partition =
                    PartitionProduceResponse::default().with_error_code(error).with_base_offset(offset);
                let response = TopicProduceResponse::default()
                    .with_name(topic.name.clone())
                    .with_partition_responses(vec![partition]);
                write(header, &ProduceResponse::default().with_responses(vec![response]))
            }
            ApiKey::SaslHandshake => {
                let request = SaslHandshakeRequest::decode(&mut body, version).unwrap();
                let known = ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"];
                let error = if known.contains(&&*request.mechanism) { 0 } else { 33 };
                let offered = known.map(StrBytes::from_static_str).into();
                write(
                    header,
                    &SaslHandshakeResponse::default().with_error_code(error).with_mechanisms(offered),
                )
            }
            ApiKey::SaslAuthenticate => {
                let request = SaslAuthenticateRequest::decode(&mut body, version).unwrap();
                let answer = state.login.unwrap()(*logins, &request.auth_bytes);
                *logins += 1;
                let response = SaslAuthenticateResponse::default();
                write(
                    header,
                    &match answer {
                        Ok(said) => response.with_auth_bytes(said.into()),
                        Err(code) => response.with_error_code(code).with_error_message(Some("no".into())),
                    },
                )
            }
            other => panic!("{other:?} is not expected"),
        }
    }

    fn metadata(&self, state: &State, names: impl Iterator<Item = TopicName>) -> MetadataResponse {
        let host = StrBytes::from_static_str(state.elsewhere.unwrap_or("127.0.0.1"));
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(7))
            .with_host(host)
            .with_port(self.port.load(SeqCst).into());
        let topic = |name: TopicName| {
            let partition = MetadataResponsePartition::default().with_leader_id(BrokerId(7));
            let known = &*name.0 == "t";
            MetadataResponseTopic::default()
                .with_error_code(if known { 0 } else { 3 })
                .with_name(Some(name))
                .with_partitions(if known { vec![partition] } else { Vec::new() })
        };
        MetadataResponse::default().with_brokers(vec![broker]).with_topics(names.map(topic).collect())
    }
}

impl State {
    /// Writes a batch as a broker does that knows the numbers of the last five of each producer.
    fn produce(&mut self, batch: Bytes) -> Option<(i16, i64)> {
        let id = batch.slice(43..51).get_i64();
        let (first, count) = (batch.slice(53..57).get_i32(), batch.slice(57..61).get_i32());
        let (records, _) = Batches::new(batch, Vec::new()).next(0).unwrap().unwrap();
        let values: Vec<_> = records.into_iter().map(|stored| stored.record.value.unwrap()).collect();
        self.seen.push(values[0].clone());
        let fault = self.faults.pop_front().unwrap_or(Fault::Nothing);
        match fault {
            Fault::LostBefore => return None,
            Fault::Refused(code) => return Some((code, -1)),
            Fault::Forgets => {
                self.producers.clear();
                self.is_old = true;
                return Some((codes::UNKNOWN_PRODUCER_ID, -1));
            }
            _ => {}
        }
        if self.most.is_some_and(|most| count > most) {
            return Some((codes::MESSAGE_TOO_LARGE, -1));
        }
        let known = self.producers.entry(id).or_default();
        let next = known.back().map_or(0, |(first, count, _)| first + count);
        let before = known.iter().find(|(known, many, _)| (*known, *many) == (first, count));
        let offset = match before {
            Some((.., offset)) => *offset,
            // One that it does not know may begin anywhere (KIP-360).
            None if first != next && (self.is_old || !known.is_empty()) => {
                return Some((codes::OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
            }
            None => {
                let offset = self.log.len() as i64;
                self.log.extend(values);
                known.push_back((first, count, offset));
                if known.len() > 5 {
                    known.pop_front();
                }
                offset
            }
        };
        match fault {
            Fault::LostAfter => None,
            Fault::Doubted(code) => Some((code, -1)),
            Fault::Moves => {
                self.elsewhere = Some("127.0.0.2");
                Some((codes::NOT_LEADER_OR_FOLLOWER, -1))
            }
            _ => Some((0, offset)),
        }
    }
}

/// It has all versions of everything.
pub(super) fn all_versions() -> ApiVersionsResponse {
    let api = |key| ApiVersion::default().with_api_key(key).with_min_version(0).with_max_version(99);
    ApiVersionsResponse::default().with_api_keys((0..80).map(api).collect())
}

pub(super) fn write<R: Encodable + HeaderVersion>(header: &RequestHeader, response: &R) -> Option<BytesMut> {
    let version = header.request_api_version;
    let mut out = BytesMut::new();
    let head = ResponseHeader::default().with_correlation_id(header.correlation_id);
    head.encode(&mut out, R::header_version(version)).unwrap();
    response.encode(&mut out, version).unwrap();
    Some(out)
}
