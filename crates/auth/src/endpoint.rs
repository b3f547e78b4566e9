//! Where secrets may be sent for a token.

use trunkline_core::{Error, Result, parse};
use url::{Host, Url};

/// Checks where a secret is to be sent: to whom nobody listens in (RFC 6749 section 3.2), or to this machine.
pub(crate) fn safe_url(key: &str, text: &str) -> Result<String> {
    let text = parse::resolve(text).map_err(|error| error.at(key))?;
    let bad = |what: &str| Err(Error::invalid(format!("{key}: {what}")));
    let Ok(url) = Url::parse(&text) else {
        return bad("is not a URL such as https://login.example.com/token");
    };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return bad("has no host"),
    };
    match url.scheme() {
        "https" => Ok(text.into_owned()),
        "http" if local => Ok(text.into_owned()),
        _ => bad("must begin with https://, since secrets are sent there"),
    }
}
