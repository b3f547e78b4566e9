//! Removes gzip, brotli and zstd from a reply that its caller wants to read.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use futures_util::TryStreamExt;
use http::{HeaderValue, header};
use http_body::Frame;
use http_body_util::{BodyDataStream, StreamBody};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};
use trunkline_core::{Body, Error, Kind, Outcome, Reply};

/// What [`decode`] can remove.
pub(crate) const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, br, zstd");

/// Decodes the body if its encoding is one of [`ACCEPT_ENCODING`]; another one is left as it is.
/// The body becomes a stream: how much of it is read is up to the reader, so that a small reply which
/// unfolds into gigabytes costs no more memory than any other.
pub(crate) fn decode(reply: Reply) -> Reply {
    let encoding = reply.headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    if matches!(reply.body, Body::Empty) || !matches!(&*encoding, "gzip" | "x-gzip" | "br" | "zstd") {
        return reply;
    }
    let Reply { status, mut headers, body, redirected } = reply;
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let reader = StreamReader::new(BodyDataStream::new(body).map_err(std::io::Error::other));
    let body = match &*encoding {
        "br" => stream(BrotliDecoder::new(reader)),
        "zstd" => stream(ZstdDecoder::new(reader)),
        // RFC 9110 section 8.4.1.3: x-gzip is gzip.
        _ => stream(GzipDecoder::new(reader)),
    };
    Reply { status, headers, body, redirected }
}

fn stream(reader: impl AsyncRead + Send + Sync + 'static) -> Body {
    let frames = ReaderStream::with_capacity(reader, 16 << 10).map_ok(Frame::data).map_err(|error| {
        // An error of the body below comes through as it is.
        error.downcast::<Error>().unwrap_or_else(|error| {
            Error::new(Kind::Protocol, "the reply's content-encoding does not decode")
                .outcome_is(Outcome::Unknown)
                .source(error)
        })
    });
    Body::stream(StreamBody::new(frames))
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
    use http::StatusCode;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn reply(encoding: &'static str, body: Vec<u8>) -> Reply {
        let mut reply = Reply::new(StatusCode::OK, body);
        reply.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        reply
    }

    macro_rules! encoded {
        ($encoder:ident, $data:expr) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all($data).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }

    #[tokio::test]
    async fn each_accepted_encoding_is_removed() {
        let data = b"{\"n\":1}";
        for (encoding, body) in [
            ("gzip", encoded!(GzipEncoder, data)),
            ("br", encoded!(BrotliEncoder, data)),
            ("zstd", encoded!(ZstdEncoder, data)),
        ] {
            let reply = decode(reply(encoding, body));
            assert!(!reply.headers.contains_key(header::CONTENT_ENCODING));
            assert_eq!(reply.bytes().await.unwrap(), &data[..], "{encoding}");
        }
        assert_eq!(decode(reply("identity", data.to_vec())).bytes().await.unwrap(), &data[..]);
    }

    #[tokio::test]
    async fn a_cut_or_false_encoding_is_a_clear_error() {
        let mut cut = encoded!(GzipEncoder, &[7; 10_000]);
        cut.truncate(cut.len() / 2);
        for body in [cut, b"not gzip at all".to_vec()] {
            let error = decode(reply("gzip", body)).bytes().await.unwrap_err();
            assert!(error.message().contains("does not decode"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_small_reply_that_unfolds_into_gigabytes_ends_at_the_limit() {
        let bomb = encoded!(GzipEncoder, &vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        let error = decode(reply("gzip", bomb)).bytes().await.unwrap_err();
        assert!(error.message().contains("longer than"), "{error}");
    }
}
