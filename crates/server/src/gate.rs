//! `Gate`: who may come in. Judges each request by its head alone, before any of its body is read.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use subtle::ConstantTimeEq;
use trunkline::{Error, Result, Secret};

use crate::{
    clock::now_ms,
    headers, hooks, oauth,
    problem::Problem,
    tokens::issued::{Issued, Token},
    ui,
};

/// Paths that answer without a token: they tell a load balancer nothing but "here".
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// What is the same in every copy of the program.
const PUBLIC: [&str; 3] = ["/openapi.json", "/connector.schema.json", "/docs"];

/// Whether this asks for a page that is the same in every copy of the program: what the API looks like, or the UI
/// without what it shows, and nothing of what is configured; or for one that asks for a secret of its own, as webhooks show a signature. A browser
/// that opens it has no way to show a token.
fn is_public(method: &Method, path: &str) -> bool {
    (method == Method::GET || method == Method::HEAD)
        && (PUBLIC.contains(&path) || path.starts_with("/docs/") || ui::is_page(path))
        || method == Method::GET && oauth::is_visit(path)
        || method == Method::POST && hooks::integration(path).is_some()
}

/// What browsers say of the page that asks (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Judges requests.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The configured one: without it, nobody is asked for any.
    token: Option<Secret>,
    /// Those that were made.
    issued: Arc<Issued>,
    hosts: Vec<String>,
    /// How a client on this machine names the server: known without a look at its parts.
    own: String,
}

/// A request that may pass.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) pass: Pass,
    /// The token by which it may, where that is one that was made.
    pub(crate) token: Option<Arc<Token>>,
}

impl Admitted {
    /// Whoever needs no token, or shows the configured one.
    fn always(pass: Pass) -> Self {
        Self { pass, token: None }
    }
}

/// What the gate found in `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// `Authorization` is the caller's own.
    Free,
    /// `Authorization` carried our token: it must not travel on.
    Spent,
}

impl Gate {
    /// A gate for a server on `listen`.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the server could be reached from elsewhere and would ask nobody for a token.
    pub(crate) fn new(token: Option<Secret>, hosts: Vec<String>, listen: SocketAddr) -> Result<Self> {
        if let Some(token) = &token {
            if token.expose()?.trim().len() < 16 {
                return Err(Error::invalid(
                    "TRUNKLINE_API_TOKEN is shorter than 16 characters; make one with `openssl rand -hex 32`",
                ));
            }
        } else if !listen.ip().is_loopback() {
            return Err(Error::invalid(format!(
                "listening on {listen} lets others in: set TRUNKLINE_API_TOKEN, or listen on 127.0.0.1"
            )));
        }
        Ok(Self { token, issued: Arc::default(), hosts, own: listen.to_string() })
    }

    /// Whether it asks for a token.
    pub(crate) fn asks(&self) -> bool {
        self.token.is_some()
    }

    /// The tokens that it lets in beside the configured one.
    pub(crate) fn issued(&self) -> Arc<Issued> {
        self.issued.clone()
    }

    /// Judges the head of a request.
    pub(crate) fn judge(&self, method: &Method, uri: &Uri, map: &HeaderMap) -> Result<Admitted, Problem> {
        if OPEN.contains(&uri.path()) {
            return Ok(Admitted::always(Pass::Free));
        }
        let admitted = match &self.token {
            Some(_) if is_public(method, uri.path()) => Admitted::always(Pass::Free),
            Some(token) => self.token(token, map)?,
            None => {
                self.host(uri, map)?;
                // Nobody is asked for one, but one that is shown is no service's.
                let ours = bearer(map).and_then(|shown| self.issued.find(shown));
                Admitted::always(if ours.is_some() { Pass::Spent } else { Pass::Free })
            }
        };
        origin(method, uri, map)?;
        Ok(admitted)
    }

    fn token(&self, token: &Secret, map: &HeaderMap) -> Result<Admitted, Problem> {
        let wanted = token.expose()?;
        let whose = |shown: &[u8]| match bool::from(shown.ct_eq(wanted.trim().as_bytes())) {
            true => Some(Shown::Configured),
            false => self.issued.find(shown).map(Shown::Issued),
        };
        let bearer = bearer(map).and_then(whose);
        // In both headers is once too often: the second must not travel on either.
        let pass = if bearer.is_some() { Pass::Spent } else { Pass::Free };
        let shown = match map.get(headers::TOKEN) {
            Some(shown) => whose(shown.as_bytes()),
            None => bearer,
        };
        match shown {
            Some(Shown::Configured) => Ok(Admitted::always(pass)),
            Some(Shown::Issued(token)) => {
                let now = now_ms();
                if token.is_expired(now) {
                    return Err(refused("the API token has expired; show another"));
                }
                token.used(now);
                Ok(Admitted { pass, token: Some(token) })
            }
            None => Err(refused("show the API token: `Authorization: Bearer …` or `Trunkline-Token: …`")),
        }
    }

    /// A server that asks for no token answers only to names of this machine: a page that lets its own
    /// name point here (DNS rebinding) speaks to another host, as far as its browser knows.
    fn host(&self, uri: &Uri, map: &HeaderMap) -> Result<(), Problem> {
        let known = |host: &str| {
            if host == self.own {
                return true;
            }
            let name = without_port(host);
            let local = name.eq_ignore_ascii_case("localhost")
                || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            local || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
        };
        // HTTP/2 names the host in the target; so may HTTP/1.1, beside the header.
        let target = uri.authority().is_none_or(|authority| known(authority.as_str()));
        let header = map.get(header::HOST).is_none_or(|host| host.to_str().is_ok_and(known));
        if target && header {
            return Ok(());
        }
        Err(Problem::plain(
            StatusCode::FORBIDDEN,
            "foreign_host",
            "without an API token the server answers to localhost only; add the name to server.hosts, or set TRUNKLINE_API_TOKEN",
        ))
    }
}

/// A token of ours that a request shows.
enum Shown {
    Configured,
    Issued(Arc<Token>),
}

/// What `Authorization` carries as a bearer token (RFC 6750 section 2.1).
fn bearer(map: &HeaderMap) -> Option<&[u8]> {
    let (scheme, shown) = map.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    // RFC 9110 section 11.1: the name of a scheme has no case.
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(shown)
}

fn refused(detail: &str) -> Problem {
    Problem::plain(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// A page of another site may not make its visitors call us. Programs send neither header.
fn origin(method: &Method, uri: &Uri, map: &HeaderMap) -> Result<(), Problem> {
    let cross_site =
        map.get(FETCH_SITE).is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    let foreign = match map.get(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let target = uri.authority().map(|authority| authority.as_str().as_bytes());
            let host = target.or(map.get(header::HOST).map(|host| host.as_bytes())).unwrap_or_default();
            let origin = origin.as_bytes();
            let bare = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
            bare.is_none_or(|bare| !bare.eq_ignore_ascii_case(host))
        }
    };
    let path = uri.path();
    // A page that sends its visitors to look at something learns nothing. To connect an account is more than to look, and
    // so is to subscribe.
    let navigates = *method == Method::GET
        && map.get(FETCH_MODE).is_some_and(|mode| mode == "navigate")
        && !oauth::begins(path)
        && !path.ends_with("/stream");
    // Coming from elsewhere is what these pages are for. A redirect that follows a form has the origin `null`.
    let foreign = foreign && !(*method == Method::GET && oauth::is_visit(path));
    if foreign || (cross_site && !navigates) {
        return Err(Problem::plain(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "a page of another site may not call this server",
        ));
    }
    Ok(())
}

/// The name in a `Host`, which may be followed by a port (RFC 9110 section 7.2).
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::issued::tests::{TOKEN as MADE, issued};

    const TOKEN: &str = "0123456789abcdef0123";

    fn judge(gate: &Gate, method: &Method, pairs: &[(&'static str, &str)]) -> Result<Pass, u16> {
        let map = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        gate.judge(method, &Uri::from_static("/api/v1/integrations/list"), &map)
            .map(|admitted| admitted.pass)
            .map_err(|problem| problem.response().status().as_u16())
    }

    fn gate(token: Option<&str>) -> Gate {
        Gate::new(token.map(Secret::new), vec!["tl.corp".to_owned()], "127.0.0.1:1".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_asked_for_in_either_header() {
        let gate = gate(Some(TOKEN));
        for (headers, result) in [
            (&[("trunkline-token", TOKEN), ("authorization", "Bearer theirs")][..], Ok(Pass::Free)),
            (
                &[("trunkline-token", TOKEN), ("authorization", "Bearer 0123456789abcdef0123")],
                Ok(Pass::Spent),
            ),
            (&[("authorization", "Bearer 0123456789abcdef0123")], Ok(Pass::Spent)),
            (&[("authorization", "bearer 0123456789abcdef0123")], Ok(Pass::Spent)),
            (&[("authorization", "Bearer 0123456789abcdef012")], Err(401)),
            (&[("authorization", "Basic 0123456789abcdef0123")], Err(401)),
            (&[("trunkline-token", "wrong"), ("authorization", "Bearer 0123456789abcdef0123")], Err(401)),
            (&[], Err(401)),
        ] {
            assert_eq!(judge(&gate, &Method::GET, headers), result, "{headers:?}");
        }
        assert!(gate.judge(&Method::GET, &Uri::from_static("/healthz"), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_token_that_was_made_passes_as_the_configured_one_does_while_it_holds() {
        let (other, over) = (MADE.replace('A', "B"), MADE.replace('A', "C"));
        let issued = issued(&[(MADE, None), (&other, Some(now_ms() + 60_000)), (&over, Some(1))]);
        let gate = Gate { issued, ..gate(Some(TOKEN)) };
        let bearer = |token: &str| format!("Bearer {token}");
        for (ours, theirs, result) in [
            (Some(MADE), None, Ok(Pass::Free)),
            (Some(MADE), Some("Bearer theirs".to_owned()), Ok(Pass::Free)),
            (Some(MADE), Some(bearer(&other)), Ok(Pass::Spent)),
            (Some(MADE), Some(bearer(&over)), Ok(Pass::Spent)),
            (Some(MADE), Some(bearer(TOKEN)), Ok(Pass::Spent)),
            (Some(TOKEN), Some(bearer(MADE)), Ok(Pass::Spent)),
            (None, Some(bearer(MADE)), Ok(Pass::Spent)),
            (None, Some(format!("bEARER {other}")), Ok(Pass::Spent)),
            (None, Some(format!("Basic {MADE}")), Err(401)),
            (None, Some(MADE.to_owned()), Err(401)),
            (None, Some(bearer(&over)), Err(401)),
            (Some(&over), Some(bearer(MADE)), Err(401)),
            (Some("wrong"), Some(bearer(MADE)), Err(401)),
            (Some(&MADE.to_lowercase()), None, Err(401)),
            (Some(&MADE[3..]), None, Err(401)),
        ] {
            let mut headers = Vec::new();
            headers.extend(ours.map(|ours| ("trunkline-token", ours)));
            headers.extend(theirs.as_deref().map(|theirs| ("authorization", theirs)));
            assert_eq!(judge(&gate, &Method::GET, &headers), result, "{headers:?}");
        }
    }

    #[test]
    fn where_nobody_is_asked_a_token_that_was_made_does_not_travel_on() {
        let gate = Gate { issued: issued(&[(MADE, Some(1))]), ..gate(None) };
        for (theirs, pass) in [(format!("Bearer {MADE}"), Pass::Spent), ("Bearer x".to_owned(), Pass::Free)] {
            assert_eq!(judge(&gate, &Method::GET, &[("authorization", &theirs)]), Ok(pass), "{theirs}");
        }
    }

    #[test]
    fn without_a_token_only_names_of_this_machine_are_answered() {
        let gate = gate(None);
        for (host, passes) in [
            ("localhost:8700", true),
            ("127.0.0.1:8700", true),
            ("[::1]:8700", true),
            ("tl.corp", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("10.0.0.1:8700", false),
            ("@", false),
        ] {
            assert_eq!(judge(&gate, &Method::GET, &[("host", host)]).is_ok(), passes, "{host}");
        }
    }

    #[test]
    fn a_host_in_the_target_is_judged_as_one_in_the_header() {
        let gate = gate(None);
        for (target, host, passes) in [
            ("http://localhost:1/x", None, true),
            ("http://evil.example/x", None, false),
            ("http://evil.example/x", Some("localhost"), false),
            ("http://localhost/x", Some("evil.example"), false),
        ] {
            let map = host.map(|host: &str| (header::HOST, host.parse().unwrap())).into_iter().collect();
            assert_eq!(
                gate.judge(&Method::GET, &target.parse().unwrap(), &map).is_ok(),
                passes,
                "{target} {host:?}"
            );
        }
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let gate = gate(None);
        for (headers, passes) in [
            (&[("host", "localhost:1"), ("origin", "http://localhost:1")][..], true),
            (&[("host", "localhost:1"), ("origin", "http://localhost:2")], false),
            (&[("host", "localhost:1"), ("origin", "https://evil.example")], false),
            (&[("host", "localhost:1"), ("origin", "null")], false),
            (&[("host", "localhost:1"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "localhost:1"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "localhost:1"), ("sec-fetch-site", "same-origin")], true),
        ] {
            assert_eq!(judge(&gate, &Method::POST, headers).is_ok(), passes, "{headers:?}");
        }
    }

    #[test]
    fn an_open_address_without_a_token_is_refused() {
        let open = "0.0.0.0:8700".parse().unwrap();
        assert!(Gate::new(None, Vec::new(), open).unwrap_err().message().contains("TRUNKLINE_API_TOKEN"));
        assert!(Gate::new(Some(Secret::new(TOKEN)), Vec::new(), open).is_ok());
        assert!(Gate::new(Some(Secret::new("short")), Vec::new(), open).is_err());
    }
}
