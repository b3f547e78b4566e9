//! `Address`: where a broker is: `amqp://user:password@host:5672/vhost?heartbeat=30`, taken apart.

use percent_encoding::percent_decode_str;
use trunkline_core::{Error, Result, Secret, parse};

use super::broker::Login;

/// Which broker speaks at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    RabbitMq,
    Kafka,
    Nats,
    Mqtt,
    Redis,
    Memory,
}

/// The schemes: which broker, whether over TLS, and the port where none is named.
const SCHEMES: &[(&str, System, bool, u16)] = &[
    ("amqp", System::RabbitMq, false, 5672),
    ("amqps", System::RabbitMq, true, 5671),
    ("kafka", System::Kafka, false, 9092),
    ("kafkas", System::Kafka, true, 9093),
    ("nats", System::Nats, false, 4222),
    ("tls", System::Nats, true, 4222),
    ("mqtt", System::Mqtt, false, 1883),
    ("mqtts", System::Mqtt, true, 8883),
    ("redis", System::Redis, false, 6379),
    ("rediss", System::Redis, true, 6379),
    ("memory", System::Memory, false, 0),
];

/// An address, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) system: System,
    /// Whether TLS is spoken.
    pub(crate) tls: bool,
    /// The hosts, each with its port; some brokers have several.
    pub(crate) hosts: Vec<(String, u16)>,
    /// Of the user and the password that are in it.
    pub(crate) login: Login,
    /// What stands after the host, decoded: a virtual host, a database; `None` where there is no slash.
    pub(crate) path: Option<String>,
    /// What stands after the `?`.
    pub(crate) params: Vec<(String, String)>,
}

impl Address {
    /// Takes an address apart. User and password may hold any character: those that have a meaning in URLs are best
    /// percent-encoded, but an `@` or a `/` that is not is understood where it can be.
    ///
    /// # Errors
    ///
    /// `invalid_config`, which does not repeat the address.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let known = SCHEMES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(scheme));
        let Some(&(_, system, tls, port)) = known else {
            let mut message = String::from(
                "is not the address of a broker; it begins with amqp, amqps, kafka, kafkas, nats, tls, mqtt, mqtts, redis, \
                 rediss or memory, as in amqp://user:password@host:5672/vhost",
            );
            if text.contains(':')
                && let Some(near) = parse::nearest(scheme, SCHEMES.iter().map(|(name, ..)| *name))
            {
                message.push_str(&format!("; did you mean {near}?"));
            }
            return Err(Error::invalid(message));
        };
        let rest = match rest.strip_prefix("//") {
            Some(rest) => rest,
            None if system == System::Memory => rest,
            None => return Err(Error::invalid("has no // after the scheme, as in amqp://host/vhost")),
        };
        let (rest, query) =
            rest.rsplit_once('?').filter(|(_, query)| !query.contains('@')).unwrap_or((rest, ""));
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Self::login(login), rest),
            None => (Login::default(), rest),
        };
        let (hosts, path) = match rest.split_once('/') {
            Some((hosts, path)) => (hosts, Some(decoded(path))),
            None => (rest, None),
        };
        let hosts = match system {
            System::Memory => vec![(decoded(hosts), 0)],
            _ => hosts.split(',').map(|host| place(host, port)).collect::<Result<_>>()?,
        };
        if hosts.len() > 1 && !matches!(system, System::Kafka | System::Nats) {
            return Err(Error::invalid("names several hosts; name one, or an address that stands for them"));
        }
        let params = query.split('&').filter(|pair| !pair.is_empty());
        let params = params.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let params = params.map(|(name, value)| (decoded(name), decoded(value))).collect();
        Ok(Self { system, tls, hosts, login, path, params })
    }

    fn login(text: &str) -> Login {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let given = |text: &str| Some(decoded(text)).filter(|text| !text.is_empty());
        Login { user: given(user), password: given(password).map(Secret::new), token: None }
    }

    /// Takes a parameter that the broker knows.
    pub(crate) fn param(&mut self, name: &str) -> Option<String> {
        let at = self.params.iter().position(|(known, _)| known == name)?;
        Some(self.params.remove(at).1)
    }

    /// Takes the parameter that says after how many seconds of silence a broker is asked whether it is there: 20 unless set.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is no number from 1 to 600.
    pub(crate) fn heartbeat(&mut self) -> Result<u16> {
        let Some(text) = self.param("heartbeat") else { return Ok(20) };
        let seconds = text.parse().ok().filter(|seconds| (1..=600).contains(seconds));
        seconds.ok_or_else(|| Error::invalid("base_url: heartbeat: must be from 1 to 600 seconds"))
    }

    /// Sees that no parameter is left that nobody knows.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming it and those that are known.
    pub(crate) fn no_more_params(&self, known: &[&str]) -> Result<()> {
        let Some((name, _)) = self.params.first() else { return Ok(()) };
        let near = parse::nearest(name, known.iter().copied());
        let hint = match (near, known) {
            (Some(near), _) => format!("did you mean {near}?"),
            (None, []) => "there are none".to_owned(),
            (None, _) => format!("there are {}", known.join(", ")),
        };
        Err(Error::invalid(format!("base_url: has an unknown parameter {}; {hint}", name.escape_debug())))
    }
}

fn place(text: &str, usual: u16) -> Result<(String, u16)> {
    let bad = || Error::invalid("has no host and port such as broker.example.com:5672");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| bad())?),
        _ => (text, usual),
    };
    let host = decoded(host);
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\@?#,%".contains(c);
    if host.contains(odd) || port == 0 {
        return Err(bad());
    }
    Ok((if host.is_empty() { "localhost".to_owned() } else { host }, port))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_may_hold_any_character() {
        for (text, user, password) in [
            ("amqp://u:p%40ss%3A%2F%2540word@h/v", "u", Some("p@ss:/%40word")),
            ("amqp://u:p@ss:/word@h/v", "u", Some("p@ss:/word")),
            ("amqp://u:p?ss#@h/v", "u", Some("p?ss#")),
            ("nats://a%20b@h/v", "a b", None),
            ("mqtt://u:50%@h/v", "u", Some("50%")),
        ] {
            let found = Address::parse(text).unwrap();
            assert_eq!(found.login.user.as_deref(), Some(user), "{text}");
            let told = found.login.password.map(|password| password.expose().unwrap().into_owned());
            assert_eq!(told.as_deref(), password, "{text}");
            assert_eq!(found.hosts[0].0, "h", "{text}");
            assert_eq!(found.path.as_deref(), Some("v"), "{text}");
        }
    }

    #[test]
    fn addresses_are_found_in_every_spelling() {
        use System::{Kafka, Memory, Mqtt, Nats, RabbitMq, Redis};
        for (text, system, tls, host, port, path) in [
            ("amqp://h", RabbitMq, false, "h", 5672, None),
            ("AMQPS://h/", RabbitMq, true, "h", 5671, Some("")),
            ("amqp://h:1/%2F", RabbitMq, false, "h", 1, Some("/")),
            ("kafka://a:1,b:2", Kafka, false, "a", 1, None),
            ("nats://h", Nats, false, "h", 4222, None),
            ("tls://h", Nats, true, "h", 4222, None),
            ("mqtts://h?version=3", Mqtt, true, "h", 8883, None),
            ("rediss://[::1]:7000/2", Redis, true, "[::1]", 7000, Some("2")),
            ("redis://", Redis, false, "localhost", 6379, None),
            ("memory:", Memory, false, "", 0, None),
            ("memory://shop", Memory, false, "shop", 0, None),
        ] {
            let found = Address::parse(text).unwrap();
            let (name, at) = &found.hosts[0];
            let all = (found.system, found.tls, &**name, *at, found.path.as_deref());
            assert_eq!(all, (system, tls, host, port, path), "{text}");
        }
        assert_eq!(Address::parse("kafka://a:1,b").unwrap().hosts[1], ("b".to_owned(), 9092));
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "",
            "hunter2",
            "https://hunter2@h/",
            "amqp:hunter2",
            "amqp://u:hunter2@h:port/v",
            "amqp://u:hunter2@h:0/v",
            "amqp://u:hunter2@a,b/v",
            "redis://u:hunter2@h h/0",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let error = Address::parse("ampq://h").unwrap_err();
        assert!(error.message().contains("did you mean amqp"), "{error}");
    }
}
