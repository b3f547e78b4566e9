//! The cookie that ties a state to the browser that was sent off with it (RFC 9700 section 4.7.1): whoever steals or
//! plants a link has another one.

use http::{HeaderMap, HeaderValue, header};
use trunkline::Result;

use super::once::KEPT;
use crate::{public::Public, random::secret};

const NAME: &str = "trunkline_connect";
/// The paths that it is shown to.
const PATH: &str = "/api/v1/oauth";

/// What the browser shows, if it has been here lately.
pub(super) fn shown(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// The cookie for a browser that is sent off, and its value. One who is away already, in another tab, keeps the
/// value that `is_ours`; any other may have been planted.
pub(super) fn give(
    headers: &HeaderMap,
    public: &Public,
    is_ours: impl Fn(&str) -> bool,
) -> Result<(HeaderValue, String)> {
    let value = match shown(headers).filter(|value| is_ours(value)) {
        Some(value) => value.to_owned(),
        None => secret()?,
    };
    let secure = if public.is_secure() { "; Secure" } else { "" };
    // `Lax`: it has to come along when the provider sends the browser back.
    let cookie = format!(
        "{NAME}={value}; HttpOnly; SameSite=Lax; Path={}; Max-Age={}{secure}",
        public.path(PATH),
        KEPT.as_secs()
    );
    let mut cookie = HeaderValue::try_from(cookie).expect("a secret and the path of a URL are visible ASCII");
    cookie.set_sensitive(true);
    Ok((cookie, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(public: &str, headers: &HeaderMap) -> (String, String) {
        let public = Public::new(Some(public), "127.0.0.1:1".parse().unwrap()).unwrap().unwrap();
        let (cookie, value) = give(headers, &public, |value| value == "ours").unwrap();
        (cookie.to_str().unwrap().replace(&value, "VALUE"), value)
    }

    #[test]
    fn it_is_for_the_consent_alone_and_secure_where_the_server_is() {
        let none = HeaderMap::new();
        let (cookie, value) = given("http://localhost:8700", &none);
        assert_eq!(
            cookie,
            "trunkline_connect=VALUE; HttpOnly; SameSite=Lax; Path=/api/v1/oauth; Max-Age=600"
        );
        assert_eq!(value.len(), 43);
        let (cookie, _) = given("https://h.example/tl/", &none);
        assert!(cookie.ends_with("Path=/tl/api/v1/oauth; Max-Age=600; Secure"), "{cookie}");
    }

    #[test]
    fn one_that_is_ours_stays_and_one_that_is_not_is_replaced() {
        for (cookies, kept) in [
            ("trunkline_connect=ours", true),
            ("a=b; trunkline_connect=ours; c=d", true),
            ("trunkline_connect=planted", false),
            ("xtrunkline_connect=ours", false),
        ] {
            let headers = [(header::COOKIE, HeaderValue::from_static(cookies))].into_iter().collect();
            assert_eq!(given("http://localhost:1", &headers).1 == "ours", kept, "{cookies}");
        }
    }
}
