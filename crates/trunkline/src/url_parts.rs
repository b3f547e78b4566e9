//! `Parts`: a URL taken apart where credentials may be in it, as it is written: what is shown of it, what is sent back,
//! and what of it is secret.

use trunkline_core::{MASK, is_sensitive_name};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{
    addresses::{Engine, origin},
    mask::is_shown,
};

/// A URL, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// What stands before the host: a user, perhaps with a password.
    pub(crate) user: Option<&'a str>,
    /// The host, and what follows it before the query.
    pub(crate) rest: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// `None` for what is no URL with an authority.
    pub(crate) fn of(url: &'a str) -> Option<Self> {
        let (scheme, after) = url.split_once("://")?;
        let engine = Engine::of(scheme);
        let (rest, query) = match engine {
            // As the transport reads it: a user, a password and a host may hold a question mark, parameters no `@`.
            Some(Engine::Database | Engine::Broker) => {
                after.rsplit_once('?').filter(|(_, query)| !query.contains('@'))
            }
            Some(Engine::File) | None => after.split_once('?'),
        }
        .map_or((after, None), |(rest, query)| (rest, Some(query)));
        let plain = Self { scheme, user: None, rest, query };
        if engine == Some(Engine::File) {
            return Some(plain);
        }
        let authority = rest.split('/').next().unwrap_or(rest);
        // A password may hold a slash: what stands before it is then no host with a port.
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let is_port = authority.ends_with(']') || port.bytes().all(|c| c.is_ascii_digit());
        // No database and no broker has a name with an `@`, as paths of HTTP do.
        let odd = engine.is_some() || authority.contains('@') || !is_port;
        let login = rest.rsplit_once('@').filter(|_| odd);
        if let Some((user, rest)) = login {
            return Some(Self { user: Some(user), rest, ..plain });
        }
        // Or a question mark.
        let Some((user, after)) = after.rsplit_once('@').filter(|_| !is_port) else { return Some(plain) };
        let (rest, query) = after.split_once('?').map_or((after, None), |(rest, query)| (rest, Some(query)));
        Some(Self { scheme, user: Some(user), rest, query })
    }

    /// The parameters of the query, each with its value.
    pub(crate) fn params(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let pairs = self.query.into_iter().flat_map(|query| query.split('&'));
        pairs.map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
    }

    /// The name of the user, and the password.
    fn login(self) -> Option<(&'a str, Option<&'a str>)> {
        let user = self.user?;
        // A reference has a colon of its own.
        let from = user.find('}').filter(|_| user.starts_with("${")).unwrap_or_default();
        let colon = user[from..].find(':').map(|at| from + at);
        Some(colon.map_or((user, None), |at| (&user[..at], Some(&user[at + 1..]))))
    }

    /// Whether what stands alone before the host is a name and no more. Of HTTP and others a key may stand there, of NATS
    /// and MQTT a token, of Redis a password.
    fn is_name(self) -> bool {
        matches!(Engine::of(self.scheme), Some(Engine::Database | Engine::File))
    }

    /// The user as it is shown. Beside a password the name is no secret; alone it is one unless it is only a name.
    fn shown_user(self) -> Option<String> {
        let http = matches!(&*self.scheme.to_ascii_lowercase(), "http" | "https" | "ws" | "wss");
        Some(match self.login()? {
            _ if http => MASK.to_owned(),
            // For a broker, one with an empty password is alone.
            (name, Some("")) if Engine::of(self.scheme) == Some(Engine::Broker) => {
                if name.is_empty() || is_shown(name) { self.user?.to_owned() } else { MASK.to_owned() }
            }
            // What a name hardly has may be a part of something else.
            (name, _) if name.contains(['/', '?', '#', '&']) && !is_shown(name) => MASK.to_owned(),
            (name, Some(password)) if password.is_empty() || is_shown(password) => {
                format!("{name}:{password}")
            }
            (name, Some(_)) => format!("{name}:{MASK}"),
            (name, None) if self.is_name() || is_shown(name) => name.to_owned(),
            (_, None) => MASK.to_owned(),
        })
    }

    /// With another user, and each value of the query by its name, if there is one for it.
    fn with(
        self,
        user: Option<&str>,
        value: impl FnMut((&'a str, Option<&'a str>)) -> Option<String>,
    ) -> String {
        let at = if user.is_some() { "@" } else { "" };
        let mut url = format!("{}://{}{at}{}", self.scheme, user.unwrap_or_default(), self.rest);
        for (n, pair) in self.params().map(value).enumerate() {
            url.push(if n == 0 { '?' } else { '&' });
            url.push_str(&pair.unwrap_or_default());
        }
        url
    }
}

/// A URL with its credentials masked; `None` when it has none.
pub(crate) fn masked(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    let user = parts.shown_user();
    let shown = parts.with(user.as_deref(), |(name, value)| match value {
        Some(value) if is_sensitive_name(name) && !is_shown(value) => Some(format!("{name}={MASK}")),
        Some(value) => Some(format!("{name}={value}")),
        None => Some(name.to_owned()),
    });
    (shown != url).then_some(shown)
}

/// Whether a text is a URL with a mask in it.
pub(crate) fn is_masked(text: &str) -> bool {
    text.contains("://") && text.contains(MASK)
}

/// `sent` with the credentials of `stored` where it has the mask; `None` where they would go elsewhere, or to another
/// user, or there is none for a mask.
pub(crate) fn unmasked(sent: &str, stored: &str) -> Option<String> {
    let (new, old) = (Parts::of(sent)?, Parts::of(stored)?);
    if origin(sent) != origin(stored) {
        return None;
    }
    let user = match new.login() {
        Some((MASK, None)) => Some(old.user?),
        Some((name, Some(MASK))) => {
            let (known, _) = old.login()?;
            Some(old.user.filter(|_| known == name)?)
        }
        _ => new.user,
    };
    let mut whole = true;
    let mut taken = Vec::new();
    let url = new.with(user, |(name, value)| {
        let value = match value {
            Some(MASK) => {
                // Of those of the same name the one in the same place.
                let n = taken.iter().filter(|taken| **taken == name).count();
                taken.push(name);
                let held = old.params().filter(|(held, _)| *held == name).nth(n).and_then(|(_, value)| value);
                whole &= held.is_some();
                held
            }
            value => value,
        };
        Some(value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}")))
    });
    whole.then_some(url).filter(|url| !url.contains(MASK))
}

/// The secrets in a URL, as they are written and as they are meant.
pub(crate) fn secrets(url: &str) -> Vec<Zeroizing<String>> {
    let Some(parts) = Parts::of(url) else { return Vec::new() };
    let login = parts.login().into_iter();
    let passwords = login.map(|(name, password)| match password {
        Some("") if Engine::of(parts.scheme) == Some(Engine::Broker) => name,
        Some(password) => password,
        None if parts.is_name() => "",
        None => name,
    });
    let values = parts.params().filter(|(name, _)| is_sensitive_name(name)).filter_map(|(_, value)| value);
    passwords.chain(values).flat_map(|text| [Zeroizing::new(text.to_owned()), decoded(text)]).collect()
}

/// What percent-encoded text means.
fn decoded(text: &str) -> Zeroizing<String> {
    // A plus is no space outside forms.
    let form = Zeroizing::new(format!("={}", text.replace('+', "%2B").replace('&', "%26")));
    let value = form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned());
    Zeroizing::new(value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_database_the_user_is_shown_and_the_password_is_not() {
        for (url, shown) in [
            ("postgres://u:hunter2@h/db", "postgres://u:********@h/db"),
            (
                "postgresql+asyncpg://u:p%40/hunter2@h:1/db?sslmode=require",
                "postgresql+asyncpg://u:********@h:1/db?sslmode=require",
            ),
            ("mysql://u:a@hunter2@h/db", "mysql://u:********@h/db"),
            ("mysql://u:1/hunter2@h/db", "mysql://u:********@h/db"),
            ("postgres://u:a?hunter2@h/db?a=1", "postgres://u:********@h/db?a=1"),
            ("postgres://u:hunter2@h1:5432,h2/db", "postgres://u:********@h1:5432,h2/db"),
            ("postgres://h/db?user=u&password=hunter2", "postgres://h/db?user=u&password=********"),
            (
                "postgres://h/db?sslpassword=hunter2&sslmode=require",
                "postgres://h/db?sslpassword=********&sslmode=require",
            ),
            ("postgres://h/db?password=hunter2@x", "postgres://********@x"),
            ("wss://hunter2:x@h/v1?token=a", "wss://********@h/v1?token=********"),
        ] {
            assert_eq!(masked(url).as_deref(), Some(shown), "{url}");
        }
        for url in [
            "postgres://u@h/db",
            "postgres://u:@h/db",
            "postgres://u:${env:PASSWORD}@h/db",
            "postgres://${env:USER}:${file:/run/password}@h/db",
            "postgres://{{connection.user}}:{{connection.password}}@h/db",
            "postgres://h1:5432,h2/db",
            "postgres:///db?host=/run/postgresql",
            "sqlite:///data/me@home.db?mode=ro",
        ] {
            assert_eq!(masked(url), None, "{url}");
        }
    }

    #[test]
    fn of_a_broker_the_password_is_masked_and_what_stands_alone_before_the_host() {
        for (url, shown) in [
            ("amqp://u:hunter2@h:5672/v?heartbeat=5", "amqp://u:********@h:5672/v?heartbeat=5"),
            ("amqps://u:p%40/hunter2@h/%2F", "amqps://u:********@h/%2F"),
            ("amqp://u:a@hunter2@h", "amqp://u:********@h"),
            ("amqp://u:1/hunter2@h/v", "amqp://u:********@h/v"),
            ("amqp://u:a?hunter2@h/v?heartbeat=1", "amqp://u:********@h/v?heartbeat=1"),
            ("amqp://u:1?hunter2#@h/v", "amqp://u:********@h/v"),
            ("amqp://hunter2@h", "amqp://********@h"),
            (
                "kafka://u:hunter2@a:1,b,[::1]:2?mechanism=PLAIN",
                "kafka://u:********@a:1,b,[::1]:2?mechanism=PLAIN",
            ),
            ("kafkas://u:hunter2@a:1,u:hunter2@b:2", "kafkas://u:********@b:2"),
            ("nats://hunter2@h:4222", "nats://********@h:4222"),
            ("nats://hunter2:@h", "nats://********@h"),
            ("tls://SUAhunter2@a,b:1", "tls://********@a,b:1"),
            ("tls://u:hunter2@a,tls://u:hunter2@b", "tls://u:********@b"),
            ("mqtt://hunter2@h", "mqtt://********@h"),
            ("MQTTS://u:hunter2@h?client_id=a", "MQTTS://u:********@h?client_id=a"),
            ("redis://hunter2@h/0", "redis://********@h/0"),
            ("redis://:hunter2@h/0", "redis://:********@h/0"),
            ("rediss://u:hun/ter?2@h:1/0", "rediss://u:********@h:1/0"),
            ("memory://u:hunter2@shop", "memory://u:********@shop"),
            ("mongodb://hunter2@h", "mongodb://********@h"),
        ] {
            assert_eq!(masked(url).as_deref(), Some(shown), "{url}");
        }
        for url in [
            "memory:",
            "memory://shop",
            "kafka://a:1,b:2",
            "amqp://h/v",
            "nats://${env:TOKEN}@h",
            "redis://:${env:PASSWORD}@h/0",
            "amqp://{{connection.user}}:{{connection.password}}@h/v",
        ] {
            assert_eq!(masked(url), None, "{url}");
        }
    }

    #[test]
    fn a_masked_address_of_a_broker_goes_back_to_the_same_broker_and_no_other() {
        for (stored, sent, url) in [
            ("nats://t0ken@h", "nats://********@h:4222", Some("nats://t0ken@h:4222")),
            ("nats://t0ken:@h", "nats://********@h", Some("nats://t0ken:@h")),
            // What went over TLS does not go without.
            ("tls://t0ken@h", "nats://********@h", None),
            ("rediss://:w@h/0", "redis://:********@h/0", None),
            (
                "amqp://u:a/@?b@h/v",
                "amqp://u:********@H:5672/w?heartbeat=5",
                Some("amqp://u:a/@?b@H:5672/w?heartbeat=5"),
            ),
            ("amqps://u:w@h", "amqps://u:********@h:5671/v", Some("amqps://u:w@h:5671/v")),
            ("amqps://u:w@h", "amqps://u:********@h:5672", None),
            ("amqp://u:w@h", "amqp://root:********@h", None),
            ("amqp://u:w@h", "amqp://u:********@evil.example/@h", None),
            ("amqp://u:w@h", "amqp://u:********@h/v@evil.example", None),
            ("kafka://u:w@a,b", "kafka://u:********@a:9092,b:9092", Some("kafka://u:w@a:9092,b:9092")),
            ("kafka://u:w@a,b", "kafka://u:********@a,evil.example", None),
            ("redis://:w@h/0", "redis://:********@h/1", Some("redis://:w@h/1")),
            ("redis://w@h/0", "redis://********@h:6379/0", Some("redis://w@h:6379/0")),
            ("mqtt://u:w@h", "amqp://u:********@h:1883", None),
            ("mqtt://h", "mqtt://********@h", None),
        ] {
            assert_eq!(unmasked(sent, stored).as_deref(), url, "{stored} {sent}");
        }
    }

    #[test]
    fn a_masked_url_that_is_sent_back_has_its_credentials_again_where_they_went_before() {
        let stored = "postgres://u:pa%40ss@db.example/shop?sslpassword=one&a=1&sslpassword=two";
        for (sent, url) in [
            (&*masked(stored).unwrap(), Some(stored)),
            (
                "postgresql://u:********@DB.example:5432/other?sslmode=require",
                Some("postgresql://u:pa%40ss@DB.example:5432/other?sslmode=require"),
            ),
            ("postgres://********@db.example/shop", Some("postgres://u:pa%40ss@db.example/shop")),
            (
                "postgres://u:new@db.example/?sslpassword=********",
                Some("postgres://u:new@db.example/?sslpassword=one"),
            ),
            ("postgres://root:********@db.example/shop", None),
            ("postgres://u:********@evil.example/shop", None),
            ("postgres://u:********@db.example:5433/shop", None),
            ("postgres://u:********@db.example,evil.example/shop", None),
            ("postgres://u:********@db.example/shop?host=evil.example", None),
            ("postgres://u:********@db.example/shop?a=@evil.example", None),
            ("postgres://u:********@evil.example/@db.example/shop", None),
            ("mysql://u:********@db.example/shop", None),
            ("http://u:********@db.example/shop", None),
            ("postgres://db.example/shop?sslkey=********", None),
        ] {
            assert_eq!(unmasked(sent, stored).as_deref(), url, "{sent}");
        }
        let stored = "https://u:p@h/v1?token=t";
        assert_eq!(unmasked("https://********@h/v2", stored).as_deref(), Some("https://u:p@h/v2"));
        assert_eq!(unmasked("http://********@h/v1", stored), None);
    }

    #[test]
    fn what_is_secret_is_known_as_it_is_written_and_as_it_is_meant() {
        let found = |url| secrets(url).iter().map(|secret| secret.to_string()).collect::<Vec<_>>();
        assert_eq!(found("postgres://u:pa%40s+s@h/db"), ["pa%40s+s", "pa@s+s"]);
        assert_eq!(found("postgres://u@h/db?sslpassword=a%26b"), ["", "", "a%26b", "a&b"]);
        assert_eq!(found("https://k3y@h/"), ["k3y", "k3y"]);
        assert_eq!(found("nats://t0k%40n@h"), ["t0k%40n", "t0k@n"]);
        assert_eq!(found("nats://t0ken:@h"), ["t0ken", "t0ken"]);
        assert_eq!(found("amqp://u:a/w@h/v"), ["a/w", "a/w"]);
        assert!(found("postgres://h/db?sslmode=require").is_empty());
    }
}
