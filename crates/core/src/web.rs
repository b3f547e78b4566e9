//! `Web`: the port through which auth schemes speak HTTP to whoever issues tokens.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::{HttpRequest, Reply, Result};

/// One HTTP request for a scheme.
///
/// # Behavior
///
/// - The request carries what it says and nothing else: no header, cookie or credential of any integration.
/// - The address passes the egress guard, whoever named it.
/// - No redirect is followed: a secret goes where the configuration says.
/// - Whatever the other end answers is a reply; how much of its body is read is up to the reader.
pub trait Web: Debug + Send + Sync + 'static {
    /// Sends `request`, whose endpoint is ignored, to `url`.
    ///
    /// # Errors
    ///
    /// As those of a transport's attempt: `invalid_config`, `blocked`, `unavailable`, `timeout`, `protocol`.
    fn send<'a>(&'a self, url: &'a str, request: HttpRequest) -> BoxFuture<'a, Result<Reply>>;
}
