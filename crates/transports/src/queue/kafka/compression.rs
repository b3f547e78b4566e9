//! How the records of a batch are packed: the four ways of Kafka, and none. What unpacks is bounded, for a few kilobytes
//! can stand for gigabytes.

use std::io::{Cursor, Read, Write};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Kind, Result};

use super::codec::broken;

/// How long the records of one batch may be. Brokers take batches of a megabyte, unless they are set up otherwise.
const MOST: usize = 64 << 20;

/// How snappy's frames begin as Java writes them (snappy-java, `SnappyOutputStream`): a mark and two versions.
const XERIAL: &[u8] = b"\x82SNAPPY\0";

/// How records are packed. The values are those on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// As they are.
    #[default]
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy.
    Snappy = 2,
    /// LZ4, in frames.
    Lz4 = 3,
    /// Zstandard; brokers since Kafka 2.1.
    Zstd = 4,
}

impl Compression {
    /// What the attributes of a batch say.
    ///
    /// # Errors
    ///
    /// `protocol` for a way that is not known.
    pub(crate) fn of(attributes: i16) -> Result<Self> {
        Ok(match attributes & 7 {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => return Err(broken("the broker sent records packed in a way that is not known")),
        })
    }

    /// Packs records.
    ///
    /// # Errors
    ///
    /// `internal`, which does not happen: all is in memory.
    pub(crate) fn pack(self, records: Bytes) -> Result<Bytes> {
        let failed =
            |error: std::io::Error| Error::new(Kind::Internal, "records cannot be packed").source(error);
        Ok(match self {
            Self::None => records,
            Self::Gzip => {
                let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                to.write_all(&records).and_then(|()| to.finish()).map_err(failed)?.into()
            }
            // One block, as librdkafka writes it. All clients read that, Java's too.
            Self::Snappy => {
                let packed = snap::raw::Encoder::new().compress_vec(&records);
                packed.map_err(|error| failed(std::io::Error::other(error)))?.into()
            }
            Self::Lz4 => {
                let mut to = lz4_flex::frame::FrameEncoder::new(Vec::new());
                to.write_all(&records).map_err(failed)?;
                to.finish().map_err(|error| failed(std::io::Error::other(error)))?.into()
            }
            Self::Zstd => zstd::stream::encode_all(&*records, 0).map_err(failed)?.into(),
        })
    }

    /// Unpacks records.
    ///
    /// # Errors
    ///
    /// `protocol` where they are damaged, or longer than 64 MiB.
    pub(crate) fn unpack(self, packed: Bytes) -> Result<Bytes> {
        match self {
            Self::None => Ok(packed),
            Self::Gzip => bounded(flate2::read::MultiGzDecoder::new(&*packed)),
            Self::Snappy => unsnap(&packed),
            Self::Lz4 => bounded(lz4_flex::frame::FrameDecoder::new(Cursor::new(packed))),
            Self::Zstd => bounded(zstd::stream::read::Decoder::new(&*packed).map_err(damaged)?),
        }
    }
}

fn bounded(from: impl Read) -> Result<Bytes> {
    let mut unpacked = Vec::new();
    from.take(MOST as u64 + 1).read_to_end(&mut unpacked).map_err(damaged)?;
    if unpacked.len() > MOST { Err(bomb()) } else { Ok(unpacked.into()) }
}

fn unsnap(packed: &[u8]) -> Result<Bytes> {
    let Some(framed) = packed.strip_prefix(XERIAL) else {
        return unsnap_block(packed, MOST).map(Bytes::from);
    };
    let mut rest =
        framed.get(8..).ok_or_else(|| broken("the broker sent packed records that end in the middle"))?;
    let mut unpacked = Vec::new();
    while let Some((len, behind)) = rest.split_first_chunk() {
        let len = u32::from_be_bytes(*len) as usize;
        let (block, behind) = behind
            .split_at_checked(len)
            .ok_or_else(|| broken("the broker sent packed records that end in the middle"))?;
        unpacked.append(&mut unsnap_block(block, MOST - unpacked.len())?);
        rest = behind;
    }
    Ok(unpacked.into())
}

fn unsnap_block(block: &[u8], most: usize) -> Result<Vec<u8>> {
    let len = snap::raw::decompress_len(block).map_err(|error| damaged(std::io::Error::other(error)))?;
    if len > most {
        return Err(bomb());
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(|error| damaged(std::io::Error::other(error)))
}

fn damaged(error: std::io::Error) -> Error {
    broken("the broker sent packed records that do not unpack").source(error)
}

fn bomb() -> Error {
    broken("the broker sent a batch of records that unpacks to more than 64 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 5] =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    #[test]
    fn what_was_packed_unpacks_whichever_way() {
        let records = Bytes::from(b"abcabcabc".repeat(10_000));
        for way in ALL {
            assert_eq!(Compression::of(way as i16).unwrap(), way);
            let packed = way.pack(records.clone()).unwrap();
            assert!(way == Compression::None || packed.len() < records.len() / 4, "{way:?}");
            assert_eq!(way.unpack(packed).unwrap(), records, "{way:?}");
        }
        assert!(Compression::of(5).is_err());
    }

    #[test]
    fn snappy_is_read_as_java_frames_it() {
        let block = |text: &[u8]| snap::raw::Encoder::new().compress_vec(text).unwrap();
        let mut framed = [XERIAL, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for text in [&b"hello "[..], b"world"] {
            let block = block(text);
            framed.extend_from_slice(&(block.len() as u32).to_be_bytes());
            framed.extend_from_slice(&block);
        }
        assert_eq!(Compression::Snappy.unpack(framed.clone().into()).unwrap(), "hello world");
        framed.pop();
        assert_eq!(Compression::Snappy.unpack(framed.into()).unwrap_err().kind(), Kind::Protocol);
    }

    #[test]
    fn a_few_bytes_that_stand_for_very_many_are_refused() {
        let zeros = Bytes::from(vec![0; MOST + 1]);
        for way in &ALL[1..] {
            let packed = way.pack(zeros.clone()).unwrap();
            let error = way.unpack(packed).unwrap_err();
            assert!(error.message().contains("64 MiB"), "{way:?}: {error}");
        }
    }

    #[test]
    fn what_is_damaged_does_not_unpack() {
        for way in &ALL[1..] {
            let error = way.unpack(Bytes::from_static(b"not packed at all")).unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol, "{way:?}");
        }
    }
}
