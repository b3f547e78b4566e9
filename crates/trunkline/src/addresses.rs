//! Where the secrets of a configuration go: each address by its place in the document.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trunkline_core::parse;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{IntegrationConfig, url_parts::Parts};

/// Who is reached, by the keys that lead to the address: the same one in another place is another.
pub(crate) type Addresses = BTreeMap<Vec<String>, String>;

impl IntegrationConfig {
    /// Where its secrets go, by the keys that lead to each address: the service, the proxy, and those whom the auth
    /// scheme asks.
    pub fn addresses(&self) -> BTreeMap<Vec<String>, String> {
        of(self.document())
    }
}

fn of(document: &Map<String, Value>) -> Addresses {
    let mut found = Addresses::new();
    let url_in = |key: &str| document.get(key).and_then(|value| value.get("url"));
    let named = [
        (&["base_url"][..], document.get("base_url")),
        (&["proxy", "url"], url_in("proxy")),
        (&["subscriptions", "url"], url_in("subscriptions")),
    ];
    for (place, text) in named {
        let text = text.and_then(Value::as_str);
        found.extend(text.map(|text| (place.iter().copied().map(str::to_owned).collect(), origin(text))));
    }
    if let Some(auth) = document.get("auth_config") {
        below(auth, &mut vec!["auth_config".to_owned()], &mut found);
    }
    found
}

/// The addresses below `place`, wherever a scheme has them.
pub(crate) fn below(value: &Value, place: &mut Vec<String>, found: &mut Addresses) {
    let mut at = |key: String, value: &Value| {
        place.push(key);
        below(value, place, found);
        place.pop();
    };
    match value {
        Value::String(text) if is_address(text) => drop(found.insert(place.clone(), origin(text))),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(n, value)| at(n.to_string(), value));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| at(key.clone(), value)),
        _ => {}
    }
}

/// Whether any client could take a text for an address: by the WHATWG's rules `https:/h` is one, and what is blank
/// before it or within does not count.
fn is_address(text: &str) -> bool {
    let read = parse::resolve(text).map(|text| Zeroizing::new(text.into_owned()));
    let text = read.as_ref().map_or(text, |read| read.as_str());
    let told = text.chars().filter(|c| !c.is_control() && !c.is_whitespace());
    let begin: String = told.take("https:".len()).map(|c| c.to_ascii_lowercase()).collect();
    text.contains("://") || begin.starts_with("http:") || begin == "https:"
}

/// What is spoken to by a URL of its own kind, in which a password may hold any character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A database on a server.
    Database,
    /// SQLite: a file.
    File,
    /// A message broker.
    Broker,
}

/// The schemes: what speaks there, the name that all of its kind have in common, and the port where none is named. Of a
/// broker the one with TLS has a name of its own: a password that went over TLS does not go without.
const SCHEMES: &[(&str, Engine, &str, u16)] = &[
    ("postgres", Engine::Database, "postgres", 5432),
    ("postgresql", Engine::Database, "postgres", 5432),
    ("mysql", Engine::Database, "mysql", 3306),
    ("mariadb", Engine::Database, "mysql", 3306),
    ("sqlite", Engine::File, "sqlite", 0),
    ("amqp", Engine::Broker, "amqp", 5672),
    ("amqps", Engine::Broker, "amqps", 5671),
    ("kafka", Engine::Broker, "kafka", 9092),
    ("kafkas", Engine::Broker, "kafkas", 9093),
    ("nats", Engine::Broker, "nats", 4222),
    ("tls", Engine::Broker, "tls", 4222),
    ("mqtt", Engine::Broker, "mqtt", 1883),
    ("mqtts", Engine::Broker, "mqtts", 8883),
    ("redis", Engine::Broker, "redis", 6379),
    ("rediss", Engine::Broker, "rediss", 6379),
    ("memory", Engine::Broker, "memory", 0),
];

/// The row of a scheme. That of a database may name a driver as SQLAlchemy's do: `mysql+pymysql`.
fn known(scheme: &str) -> Option<(Engine, &'static str, u16)> {
    let scheme = scheme.trim().to_ascii_lowercase();
    let (name, driver) = scheme.split_once('+').map_or((&*scheme, false), |(name, _)| (name, true));
    let (_, engine, name, port) = SCHEMES.iter().find(|(known, ..)| *known == name)?;
    (*engine != Engine::Broker || !driver).then_some((*engine, name, *port))
}

impl Engine {
    /// By the scheme of a URL.
    pub(crate) fn of(scheme: &str) -> Option<Self> {
        known(scheme).map(|(engine, ..)| engine)
    }
}

/// The host that the URL of a database or a broker names first, and its port.
pub(crate) fn first_server(text: &str) -> Option<(String, u16)> {
    let origin = server(text)?;
    let hosts = origin.split_once("://")?.1.split(';').next()?;
    let (host, port) = hosts.split(',').next()?.rsplit_once(':')?;
    let (host, port) = (host.trim_matches(['[', ']']), port.parse().ok().filter(|port| *port > 0)?);
    // Of a reference or a placeholder it is not known yet.
    (!host.is_empty() && !host.contains(['$', '{'])).then(|| (host.to_owned(), port))
}

/// Who is reached at the URL of a database or a broker: all hosts that it names, each with its port, wherever it names
/// them. `None` for any other text.
fn server(text: &str) -> Option<String> {
    // Where in the query a driver may find whom to dial.
    const WHERE: [&str; 6] = ["host", "hostaddr", "port", "socket", "unix_socket", "unix_sock"];
    let (scheme, rest) = text.split_once(':')?;
    let (engine, name, usual) = known(scheme)?;
    if engine == Engine::File || !rest.starts_with("//") {
        return Some(format!("{name}:{}", rest.split('?').next().unwrap_or_default()));
    }
    let parts = Parts::of(text)?;
    let hosts = parts.rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let hosts = hosts.split(',').map(|host| {
        let named = host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        let (host, named) = named.map_or((host, ""), |(host, port)| (host, port));
        // A broker for which no host is named is on this machine; the library of a database has a socket for it.
        let host = if host.is_empty() && engine == Engine::Broker { "localhost" } else { host };
        format!("{host}:{}", if named.is_empty() { usual.to_string() } else { named.to_owned() })
    });
    let mut origin = format!("{name}://");
    origin.push_str(&hosts.collect::<Vec<_>>().join(","));
    for (name, value) in parts.params() {
        // Escapes or not, a name means the same.
        let pair = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.to_ascii_lowercase());
        if let Some(name) = pair.filter(|name| WHERE.contains(&&**name)) {
            origin.push_str(&format!(";{name}={}", value.unwrap_or_default()));
        }
    }
    Some(origin)
}

/// Who is reached at an address, as clients read it. Where that is not known yet, for a placeholder, it is what stands
/// before the path; for a reference, which may hold any of it, all of the text.
pub(crate) fn origin(text: &str) -> String {
    if text.contains("${") {
        return text.to_owned();
    }
    if let Some(origin) = server(text) {
        return origin;
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "ws" | "wss") => {
            url.origin().ascii_serialization()
        }
        _ => {
            let origin = text.split('/').take(3).collect::<Vec<_>>().join("/");
            origin.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_is_reached_is_told_as_clients_read_it() {
        for (text, found) in [
            ("https://H.example:443/a?b#c", "https://h.example"),
            ("https://user:word@h.example:8443", "https://h.example:8443"),
            ("https:/h.example/login", "https://h.example"),
            ("https:\\\\h.example", "https://h.example"),
            ("https:///h.example", "https://h.example"),
            (" ht\ntps:h.example", "https://h.example"),
            ("https://h.example\\@other.example", "https://h.example"),
            ("postgres://db.example/a", "postgres://db.example:5432"),
            ("postgresql+asyncpg://u:w@DB.example:5432/b?sslmode=require", "postgres://db.example:5432"),
            ("postgres://u:a/w@db.example/a", "postgres://db.example:5432"),
            ("postgres://a:1,[::1],B/x", "postgres://a:1,[::1]:5432,b:5432"),
            ("postgres://a/x?host=B&port=1&%68ost=c", "postgres://a:5432;host=B;port=1;host=c"),
            ("postgres:///x?host=/run/postgresql", "postgres://:5432;host=/run/postgresql"),
            ("mysql+pymysql://db.example/a", "mysql://db.example:3306"),
            ("mariadb://db.example:3306/a", "mysql://db.example:3306"),
            ("sqlite:///data/File.db?mode=ro", "sqlite:///data/File.db"),
            ("amqp://u:w@Q.example:5672/a?heartbeat=5", "amqp://q.example:5672"),
            ("AMQPS://q.example", "amqps://q.example:5671"),
            ("amqp://u:a/w?o@r#d@q.example/a", "amqp://q.example:5672"),
            ("kafka://u:w@a,B:9092,[::1]:1", "kafka://a:9092,b:9092,[::1]:1"),
            ("kafkas://a", "kafkas://a:9093"),
            ("nats://t0ken@n.example", "nats://n.example:4222"),
            ("tls://n.example:4222", "tls://n.example:4222"),
            ("mqtt://m.example?keep_alive=5", "mqtt://m.example:1883"),
            ("mqtts://m.example", "mqtts://m.example:8883"),
            ("redis://:w@", "redis://localhost:6379"),
            ("rediss://localhost/2", "rediss://localhost:6379"),
            ("memory://shop", "memory://shop:0"),
            ("mongodb://q.example/a", "mongodb://q.example"),
            ("WSS://user:word@S.example:443/a", "wss://s.example"),
            ("{{connection.instance}}/v1", "{{connection.instance}}/v1"),
            ("https://${env:NO_SUCH}/v1", "https://${env:NO_SUCH}/v1"),
        ] {
            assert_eq!(origin(text), found, "{text}");
            assert!(is_address(text) || text.starts_with("{{"), "{text}");
        }
        for text in ["", "https", "a secret: http", "httpx:h", "/session/token", "${env:NO_SUCH}"] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn the_first_server_is_found_whatever_the_password_holds() {
        for (text, found) in [
            ("postgres://u:a/?@w@DB.example/a", Some(("db.example", 5432))),
            ("kafka://a:1,b", Some(("a", 1))),
            ("amqps://u:w@[::1]/v", Some(("::1", 5671))),
            ("redis://:w@/0", Some(("localhost", 6379))),
            ("memory:", None),
            ("memory://shop", None),
            ("postgres:///a?host=/run/postgresql", None),
            ("nats://{{connection.host}}", None),
            ("nats://${env:HOST}", None),
            ("sqlite:///a.db", None),
        ] {
            let expected = found.map(|(host, port): (&str, u16)| (host.to_owned(), port));
            assert_eq!(first_server(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_stands_for_itself_in_its_own_place() {
        let config = IntegrationConfig::from_json(json!({
            "integration_id": "a", "type": "rest", "base_url": "https://h/v1", "proxy": {"url": "http://p:3128"},
            "subscriptions": {"url": "wss://s/graphql"}, "auth_type": "custom", "auth_config": {
                "request": {"url": "https://id.example/login", "json": [{"a": "https://a.example/"}, "text"]},
                "values": {"x": "http:/b.example"},
            },
        }));
        let found = config.unwrap().addresses().into_iter().map(|(place, origin)| (place.join("."), origin));
        let found: Vec<_> = found.collect();
        let expected = [
            ("auth_config.request.json.0.a", "https://a.example"),
            ("auth_config.request.url", "https://id.example"),
            ("auth_config.values.x", "http://b.example"),
            ("base_url", "https://h"),
            ("proxy.url", "http://p:3128"),
            ("subscriptions.url", "wss://s"),
        ];
        assert_eq!(found, expected.map(|(place, origin)| (place.to_owned(), origin.to_owned())));
    }
}
