//! `Challenge`: what a server wants an answer to (RFC 9110 section 11.6.1, RFC 7616 section 3.3).

use aws_lc_rs::digest;
use http::{HeaderMap, header};
use md5::{Digest as _, Md5};

/// A hash function, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

/// What an answer protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// As RFC 2069 had it: without counting.
    Legacy,
    Auth,
    /// The body too.
    AuthInt,
}

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    /// As the server spelt it, if it did.
    pub(super) algorithm: Option<String>,
    pub(super) hash: Hash,
    /// Whether the key is made once for a nonce.
    pub(super) session: bool,
    pub(super) protection: Protection,
    /// Whether the user is to be hashed as well.
    pub(super) userhash: bool,
}

impl Hash {
    /// The hash of these parts with colons between, in hexadecimal.
    pub(super) fn of(self, parts: &[&[u8]]) -> String {
        let joined = zeroize::Zeroizing::new(parts.join(&b':'));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Md5 => hex(&Md5::digest(&*joined)),
            Self::Sha256 => hex(digest::digest(&digest::SHA256, &joined).as_ref()),
            Self::Sha512_256 => hex(digest::digest(&digest::SHA512_256, &joined).as_ref()),
        }
    }
}

impl Challenge {
    /// Of the challenges in a reply, the one with the strongest hash; of several such, the first.
    pub(super) fn strongest(headers: &HeaderMap) -> Option<Self> {
        let fields = headers.get_all(header::WWW_AUTHENTICATE);
        let texts = fields.iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        let known = texts.flat_map(challenges).filter_map(|(scheme, params)| {
            scheme.eq_ignore_ascii_case("digest").then(|| Self::read(&params)).flatten()
        });
        known.reduce(|best, next| if next.hash > best.hash { next } else { best })
    }

    /// A challenge with these parameters; `None` where it wants something that is not known.
    fn read(params: &[(&str, String)]) -> Option<Self> {
        let found = |name: &str| {
            params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        let algorithm = found("algorithm");
        let name = algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (name, session) = match name.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (&*name, false),
        };
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        let protection = match found("qop") {
            None => Protection::Legacy,
            Some(offered) => {
                let offers = |name: &str| offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
                match (offers("auth"), offers("auth-int")) {
                    // The weaker one: it needs no body in memory, and TLS protects that.
                    (true, _) => Protection::Auth,
                    (false, true) => Protection::AuthInt,
                    (false, false) => return None,
                }
            }
        };
        let userhash = found("userhash").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let (realm, nonce, opaque) = (found("realm")?, found("nonce")?, found("opaque"));
        Some(Self { realm, nonce, opaque, algorithm, hash, session, protection, userhash })
    }
}

/// A scheme and its parameters.
type Parsed<'a> = (&'a str, Vec<(&'a str, String)>);

/// The challenges of one field. Commas stand between them and between parameters alike: a word without a value begins
/// the next one.
fn challenges(text: &str) -> Vec<Parsed<'_>> {
    let mut all: Vec<Parsed<'_>> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let end = rest.find([',', ' ', '\t', '=', '"']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let value = after.trim_start_matches([' ', '\t']).strip_prefix('=');
        match (word, value) {
            // At the end, or before what no grammar knows.
            ("", _) => return all,
            (scheme, None) => {
                all.push((scheme, Vec::new()));
                rest = after;
            }
            (name, Some(value)) => {
                let Some((value, after)) = parameter(value.trim_start_matches([' ', '\t'])) else {
                    return all;
                };
                if let Some((_, params)) = all.last_mut() {
                    params.push((name, value));
                }
                rest = after;
            }
        }
    }
}

/// The value at the beginning of a text, without its quotes, and what follows; `None` where its quotes do not end.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strongest(fields: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::WWW_AUTHENTICATE, field.parse().unwrap());
        }
        Challenge::strongest(&headers)
    }

    #[test]
    fn a_challenge_is_found_among_others_whatever_they_look_like() {
        for text in [
            r#"Digest realm="a, \"b\"", nonce="n=,", qop="auth""#,
            r#"Basic realm="x", Digest realm="a, \"b\"",nonce="n=,",qop=auth"#,
            r#"Negotiate YWJj==, , digest  REALM = "a, \"b\"" , Nonce="n=,", qop="auth-int, AUTH", Bearer"#,
            r#"Negotiate, Digest qop="auth", realm="a, \"b\"", nonce="n=,", stale=false, charset=UTF-8, Basic realm="y""#,
        ] {
            let found = strongest(&[text]).unwrap();
            assert_eq!((&*found.realm, &*found.nonce), ("a, \"b\"", "n=,"), "{text}");
            assert_eq!((found.hash, found.protection), (Hash::Md5, Protection::Auth), "{text}");
            assert_eq!((found.algorithm, found.session), (None, false), "{text}");
        }
    }

    #[test]
    fn the_strongest_hash_is_taken_in_whichever_order_they_come() {
        let with = |name: &str| format!(r#"Digest realm="r", nonce="{name}", qop="auth", algorithm={name}"#);
        let [md5, sha, long, session] = ["MD5", "SHA-256", "SHA-512-256", "SHA-256-sess"].map(with);
        for (fields, nonce) in [
            (vec![&*md5, &*sha], "SHA-256"),
            (vec![&*sha, &*md5], "SHA-256"),
            (vec![&*md5, &*long, &*sha], "SHA-512-256"),
            (vec![&*session, &*sha], "SHA-256-sess"),
        ] {
            assert_eq!(strongest(&fields).unwrap().nonce, nonce, "{fields:?}");
            assert_eq!(strongest(&[&fields.join(", ")]).unwrap().nonce, nonce, "{fields:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_answered() {
        for text in [
            "",
            "Basic realm=\"x\"",
            "Digest",
            "Digest realm=\"r\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n",
            "Digest realm=\"r\\",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1",
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth-conf\"",
            "realm=\"r\", nonce=\"n\"",
            "=\"r\"",
        ] {
            assert_eq!(strongest(&[text]), None, "{text}");
        }
    }
}
