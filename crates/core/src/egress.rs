//! The egress guard: one decision on every address that is about to be dialled.
//!
//! Whoever dials asks twice: [`Egress::check_host`] before a name is resolved, [`Egress::check`] for
//! **each** address that it resolved to. One refused answer refuses the call (otherwise a name with one
//! public and one private address gets through by luck), and the very address that was checked is
//! dialled, never the name again.
//!
//! | address | `guarded`, HTTP | `guarded`, service | `lab` | `strict` | opened by |
//! |---|---|---|---|---|---|
//! | public | yes | yes | yes | listed only | any rule |
//! | private, loopback | no | yes | yes | listed only | a rule for the host or for a network |
//! | reserved | no | no | no | no | a rule for the range, a part of it or the address |
//! | link-local, metadata, multicast, `0.0.0.0/8`, own listeners | never | never | never | never | nothing |
//!
//! IPv4 addresses inside `::ffff:0:0/96` and `64:ff9b::/96` are judged as the IPv4 address.

mod host;
mod rule;
mod table;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{host::Host, rule::Rule, table::Verdict};
use crate::{Error, Kind, Result, Stage, Witness};

/// How much of the network integrations may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// HTTP reaches public addresses only; databases and brokers also private ones.
    #[default]
    Guarded,
    /// Only what `egress.allow` lists.
    Strict,
    /// Private addresses for HTTP too; only for a server that listens on loopback.
    Lab,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guarded => "guarded",
            Self::Strict => "strict",
            Self::Lab => "lab",
        })
    }
}

/// What kind of peer is dialled: they are judged differently in [`Profile::Guarded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// REST, GraphQL, WebSocket and token endpoints: callers see what they answer.
    Http,
    /// Databases and brokers: only an administrator names their host, and they do not speak HTTP.
    Service,
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Service => "databases and brokers",
        })
    }
}

/// The guard: a profile, the operator's rules and our own listeners.
#[derive(Debug)]
pub struct Egress {
    profile: Profile,
    // Asked only when a connection is dialled, so a plain lock is cheap enough.
    state: Arc<RwLock<State>>,
    witness: Option<Arc<Witness>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    listeners: Vec<SocketAddr>,
}

impl Default for Egress {
    /// The profile `guarded` without rules.
    fn default() -> Self {
        Self { profile: Profile::default(), state: Arc::default(), witness: None }
    }
}

impl Egress {
    /// A guard with `profile` and the rules of `egress.allow`; see [`Egress::allow`] for their form.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the first rule that cannot be read.
    pub fn new(profile: Profile, allow: &[String]) -> Result<Self> {
        let guard = Self { profile, ..Self::default() };
        allow.iter().try_for_each(|rule| guard.allow(rule))?;
        Ok(guard)
    }

    /// The same guard, rules and listeners that are added later included; how far connections come that pass this one
    /// is told to a witness.
    #[must_use]
    pub fn watched(&self, witness: Arc<Witness>) -> Self {
        Self { profile: self.profile, state: self.state.clone(), witness: Some(witness) }
    }

    /// Does a part of connecting to `host`; whoever connects goes through here, so that a witness hears of it.
    ///
    /// # Errors
    ///
    /// Those of the work.
    pub async fn stage<T>(
        &self,
        stage: Stage,
        host: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match &self.witness {
            Some(witness) => witness.see(stage, host, work).await,
            None => work.await,
        }
    }

    /// The profile that the guard was made with.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Adds a rule: `billing.corp.local:8443`, `10.2.0.0/16:443`, `[fd00::/8]:443`; without the port it
    /// means any.
    ///
    /// A rule for a name opens the private addresses that the name resolves to. A rule for a network
    /// opens its addresses whatever the name, and reserved ranges only when it is no wider than they
    /// are. In [`Profile::Strict`] a name needs a rule for the name, an address one that holds it.
    /// What is never allowed stays so.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the rule and the right form.
    pub fn allow(&self, rule: &str) -> Result<()> {
        let rule = Rule::parse(rule)?;
        let mut state = self.write();
        if !state.rules.contains(&rule) {
            state.rules.push(rule);
        }
        Ok(())
    }

    /// Replaces all rules, or none of them if one cannot be read.
    ///
    /// # Errors
    ///
    /// As [`Egress::allow`].
    pub fn set_allow(&self, rules: &[String]) -> Result<()> {
        let rules: Vec<_> = rules.iter().map(|rule| Rule::parse(rule)).collect::<Result<_>>()?;
        self.write().rules = rules;
        Ok(())
    }

    /// Registers a listener of this process, which is then never dialled.
    ///
    /// A listener on `0.0.0.0` or `[::]` takes its port on loopback and on every address of any
    /// registered listener. This crate performs no I/O, so it knows no other address of the machine:
    /// whoever dials asks [`Egress::listens_everywhere`] and registers those that turn out to be ours.
    pub fn forbid(&self, listener: SocketAddr) {
        let listener = SocketAddr::new(table::unwrap(listener.ip()).0, listener.port());
        let mut state = self.write();
        if !state.listeners.contains(&listener) {
            state.listeners.push(listener);
        }
    }

    /// Whether a listener of this process takes `port` on all addresses of the machine.
    pub fn listens_everywhere(&self, port: u16) -> bool {
        self.read().listeners.iter().any(|own| own.port() == port && own.ip().is_unspecified())
    }

    /// Judges a host before it is resolved, so that what is refused anyway sends no DNS packet.
    ///
    /// Refuses what no resolver may interpret (odd spellings of IPv4, zone ids, non-ASCII, control
    /// characters), names of metadata services and, in [`Profile::Strict`], names that no rule lists.
    /// An address is judged as [`Egress::check`] does.
    ///
    /// # Errors
    ///
    /// `blocked`, with the line to add where one helps.
    pub fn check_host(&self, zone: Zone, host: &str, port: u16) -> Result<()> {
        let host = read(host, port)?;
        match host {
            Host::Ip(ip) => self.decide(zone, &host, SocketAddr::new(ip, port)),
            Host::Name(_) if self.profile == Profile::Strict && !self.read().names(&host, port) => {
                Err(self.refuse(zone, &named(&host, port), &[named(&host, port)]))
            }
            Host::Name(_) => Ok(()),
        }
    }

    /// Judges the address that is about to be dialled for `host`: the host itself or one of the
    /// addresses that it resolved to. Whatever [`Egress::check_host`] refuses of the host's spelling
    /// is refused here too.
    ///
    /// # Errors
    ///
    /// `blocked`, with the line to add where one helps.
    pub fn check(&self, zone: Zone, host: &str, addr: SocketAddr) -> Result<()> {
        self.decide(zone, &read(host, addr.port())?, addr)
    }

    fn decide(&self, zone: Zone, host: &Host, addr: SocketAddr) -> Result<()> {
        let port = addr.port();
        let shown = match host {
            Host::Ip(_) => addr.to_string(),
            Host::Name(name) => format!("{name}:{port} ({})", addr.ip()),
        };
        if matches!(addr, SocketAddr::V6(v6) if v6.scope_id() != 0) {
            return Err(never(&shown, "zone id"));
        }
        let (ip, verdict) = table::judge(addr.ip());
        let state = self.read();
        if state.is_listener(ip, port) {
            return Err(never(&shown, "a listener of this server"));
        }
        let listed = state.rules.iter().any(|rule| rule.lists(ip, port));
        let reachable = match verdict {
            Verdict::Never(reason) => return Err(never(&shown, reason)),
            Verdict::Public => true,
            Verdict::Private => {
                let open = match self.profile {
                    Profile::Guarded => zone == Zone::Service,
                    Profile::Strict => false,
                    Profile::Lab => true,
                };
                open || listed || state.names(host, port)
            }
            Verdict::Reserved(range) => state.rules.iter().any(|rule| rule.lists_within(range, ip, port)),
        };
        let admitted = match host {
            _ if self.profile != Profile::Strict => true,
            Host::Name(_) => state.names(host, port),
            Host::Ip(_) => listed,
        };
        // The operator knows the name, so that is the line to add; only a reserved address needs its own.
        let inside = Host::Ip(ip);
        let known = if matches!(host, Host::Name(_)) { host } else { &inside };
        let reserved = matches!(verdict, Verdict::Reserved(_));
        let mut lines = Vec::new();
        if !admitted || (!reachable && !reserved) {
            lines.push(named(known, port));
        }
        if !reachable && reserved {
            lines.push(named(&inside, port));
        }
        lines.dedup();
        if lines.is_empty() { Ok(()) } else { Err(self.refuse(zone, &shown, &lines)) }
    }

    fn refuse(&self, zone: Zone, shown: &str, lines: &[String]) -> Error {
        let lines = lines.iter().map(|line| format!("{line:?}")).collect::<Vec<_>>().join(" and ");
        let profile = self.profile;
        Error::new(
            Kind::Blocked,
            format!(
                "egress to {shown} is not allowed for {zone} in profile {profile}; \
                 to allow it add {lines} to egress.allow in the server's configuration"
            ),
        )
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a rule is for this very name.
    fn names(&self, host: &Host, port: u16) -> bool {
        matches!(host, Host::Name(name) if self.rules.iter().any(|rule| rule.names(name, port)))
    }

    fn is_listener(&self, ip: IpAddr, port: u16) -> bool {
        let here = ip.is_loopback() || ip.is_unspecified() || self.listeners.iter().any(|own| own.ip() == ip);
        self.listeners
            .iter()
            .any(|own| own.port() == port && (own.ip() == ip || (here && own.ip().is_unspecified())))
    }
}

/// Parses a host and refuses the names that are never allowed.
fn read(host: &str, port: u16) -> Result<Host> {
    let parsed = Host::parse(host)
        .map_err(|why| Error::new(Kind::Blocked, format!("egress to {host:?} is not allowed: {why}")))?;
    if parsed.is_metadata() {
        return Err(never(&named(&parsed, port), "cloud metadata"));
    }
    Ok(parsed)
}

fn never(shown: &str, reason: &str) -> Error {
    Error::new(Kind::Blocked, format!("egress to {shown} is never allowed ({reason})"))
}

/// A host and a port as a rule writes them.
fn named(host: &Host, port: u16) -> String {
    format!("{}:{port}", host.authority())
}
