//! Where secrets may be sent for a token.

use trunkline_core::{Error, Result, parse};
use url::{Host, Url};

/// Checks where a secret is to be sent: to whom nobody listens in (RFC 6749 section 3.2), or to this machine.
pub(crate) fn safe_url(key: &str, text: &str) -> Result<String> {
    let text = parse::resolve(text).map_err(|error| error.at(key))?;
    let bad = |what: &str| Err(Error::invalid(format!("{key}: {what}")));
    // `https:/host` and its like are URLs to some readers and none to others, such as whoever checks where secrets go.
    let begins = |scheme: &str| {
        let written = text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        written && !text[scheme.len()..].starts_with(['/', '\\'])
    };
    let in_full = begins("https://") || begins("http://");
    let url = Url::parse(&text).ok().filter(|url| in_full || !matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_written_in_full() {
        for text in ["https://h/login", "HTTPS://h", "http://localhost:1/x", "http://[::1]/"] {
            assert_eq!(safe_url("url", text).unwrap(), text);
        }
        for text in [
            "https:/h/login",
            "https:h",
            "https:\\\\h",
            "https:///h",
            "https://\\h",
            " https://h",
            "ht\ntps://h",
            "h/login",
        ] {
            let error = safe_url("url", text).unwrap_err();
            assert!(error.message().starts_with("url: is not a URL such as"), "{text}: {error}");
        }
        for text in ["http://h", "ftp://h", "file:///etc/passwd"] {
            assert!(safe_url("url", text).is_err(), "{text}");
        }
    }
}
