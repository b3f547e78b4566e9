//! `Clients`: what one sender of webhooks, or one integration, may take of what all share: memory for bodies, and looks at
//! what is not signed. Strangers cause both, so whatever is known of them is bounded.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use trunkline::{Error, IntegrationId, Kind};

use crate::{
    problem::Problem,
    room::{Held, Room, Takes},
};

/// Bytes for the bodies of one integration, and of one client.
const OF_INTEGRATION: usize = 16 << 20;
const OF_CLIENT: usize = 8 << 20;
/// How many a second are looked at of one client though they are not signed, and how many at once: fewer than of an integration,
/// so that one client uses up no other's.
const REFUSED: f64 = 200.0;
const REFUSED_AT_ONCE: f64 = 2_000.0;
/// So many clients are known, each by its address. All others count as one.
const KNOWN: usize = 4_096;
/// Those that are to be forgotten are looked for no more often than this.
const TIDY: Duration = Duration::from_secs(1);

/// An address of a client; `None` for all that are not known.
type Address = Option<IpAddr>;

/// What senders have taken.
#[derive(Debug)]
pub(crate) struct Clients {
    /// Of one integration and of one client, in bytes.
    most: (usize, usize),
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    integrations: HashMap<IntegrationId, usize>,
    clients: HashMap<Address, Client>,
    tidied: Option<Instant>,
}

/// What one client has taken.
#[derive(Debug)]
struct Client {
    bytes: usize,
    /// How many more are looked at that are not signed, as it was then.
    left: f64,
    since: Instant,
}

impl Client {
    fn new() -> Self {
        Self { bytes: 0, left: REFUSED_AT_ONCE, since: Instant::now() }
    }

    fn left(&self) -> f64 {
        (self.left + self.since.elapsed().as_secs_f64() * REFUSED).min(REFUSED_AT_ONCE)
    }

    /// Whether it is as one that was never seen.
    fn is_new(&self) -> bool {
        self.bytes == 0 && self.left() >= REFUSED_AT_ONCE
    }
}

impl State {
    /// What is known of an address, or where there is no room for another one, of all others.
    fn client(&mut self, address: IpAddr) -> (Address, &mut Client) {
        let mut key = Some(address);
        if self.clients.len() >= KNOWN && !self.clients.contains_key(&key) {
            if self.tidied.is_none_or(|at| at.elapsed() >= TIDY) {
                self.tidied = Some(Instant::now());
                self.clients.retain(|_, client| !client.is_new());
            }
            if self.clients.len() >= KNOWN {
                key = None;
            }
        }
        (key, self.clients.entry(key).or_insert_with(Client::new))
    }

    /// The same where nothing is to be remembered of it.
    fn known(&self, address: IpAddr) -> Option<&Client> {
        let others = || self.clients.get(&None).filter(|_| self.clients.len() >= KNOWN);
        self.clients.get(&Some(address)).or_else(others)
    }
}

impl Clients {
    /// For bodies of at most so many bytes.
    pub(crate) fn new(body_limit: usize) -> Self {
        let state = State { integrations: HashMap::new(), clients: HashMap::new(), tidied: None };
        let most = (OF_INTEGRATION.max(body_limit.saturating_mul(2)), OF_CLIENT.max(body_limit));
        Self { most, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a client is looked at now.
    ///
    /// # Errors
    ///
    /// `throttled`, until when it sends no more that is not signed.
    pub(super) fn admit(&self, address: IpAddr) -> Result<(), Problem> {
        let left = self.state().known(network(address)).map_or(REFUSED_AT_ONCE, Client::left);
        if left >= 1.0 {
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - left) / REFUSED);
        Err(Problem::of(&Error::new(Kind::Throttled, "too many webhooks at once").retry_after(wait)))
    }

    /// A client has sent something that is not signed.
    pub(super) fn refused(&self, address: IpAddr) {
        let mut state = self.state();
        let (_, client) = state.client(network(address));
        (client.left, client.since) = ((client.left() - 1.0).max(0.0), Instant::now());
    }

    /// Nothing yet of a room, to be grown as the body of this client comes in for that integration.
    pub(super) fn hold<'a>(
        &'a self,
        room: &'a Room,
        integration: &IntegrationId,
        address: IpAddr,
    ) -> Share<'a> {
        let (integration, address) = (integration.clone(), network(address));
        Share { clients: self, room: room.hold(), integration, address, taken: Vec::new() }
    }
}

/// The network that an address stands for: whoever has one address of IPv6 has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// What one webhook has taken; given back on drop.
pub(super) struct Share<'a> {
    clients: &'a Clients,
    room: Held<'a>,
    integration: IntegrationId,
    address: IpAddr,
    /// By whom its client is known each time: it may be one of all others at first, and by itself later.
    taken: Vec<(Address, usize)>,
}

impl Takes for Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let mut state = self.clients.state();
        let (of_integration, of_client) = self.clients.most;
        let held = state.integrations.get(&self.integration).copied().unwrap_or_default();
        let (key, client) = state.client(self.address);
        if held.saturating_add(bytes) > of_integration || client.bytes.saturating_add(bytes) > of_client {
            // Spread, so that those who are refused together do not come together again.
            let wait = Duration::from_secs(1).mul_f64(1.0 + fastrand::f64());
            let message = "too many webhooks are under way; send it again later";
            return Err(Problem::of(&Error::new(Kind::Overloaded, message).retry_after(wait)));
        }
        self.room.grow(bytes)?;
        client.bytes += bytes;
        match self.taken.iter_mut().find(|(known, _)| *known == key) {
            Some((_, taken)) => *taken += bytes,
            None => self.taken.push((key, bytes)),
        }
        *state.integrations.entry(self.integration.clone()).or_default() += bytes;
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let mut state = self.clients.state();
        for (key, bytes) in &self.taken {
            if let Some(client) = state.clients.get_mut(key) {
                client.bytes = client.bytes.saturating_sub(*bytes);
                if client.is_new() {
                    state.clients.remove(key);
                }
            }
            if let Some(held) = state.integrations.get_mut(&self.integration) {
                *held = held.saturating_sub(*bytes);
                if *held == 0 {
                    state.integrations.remove(&self.integration);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> IntegrationId {
        IntegrationId::new(name).unwrap()
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_client_takes_a_part_of_the_memory_and_so_does_one_integration() {
        let (clients, room) = (Clients::new(0), Room::new(0));
        let hold = |integration: &str, client: &str| clients.hold(&room, &id(integration), at(client));
        let mut first = hold("a", "192.0.2.1");
        first.grow(OF_CLIENT).unwrap();
        // Of that client no integration has more.
        let refused = hold("b", "192.0.2.1").grow(1).unwrap_err().response();
        assert_eq!(
            (refused.status(), refused.headers().contains_key("retry-after")),
            (503.try_into().unwrap(), true)
        );
        let mut second = hold("a", "2001:db8::1");
        second.grow(OF_CLIENT - 1).unwrap();
        hold("b", "2001:db8::ffff").grow(2).unwrap_err();
        // Of that integration no client has more.
        let mut third = hold("a", "192.0.2.3");
        third.grow(1).unwrap();
        third.grow(1).unwrap_err();
        hold("b", "192.0.2.3").grow(OF_CLIENT - 1).unwrap();
        drop(first);
        third.grow(OF_CLIENT - 1).unwrap();
        drop((second, third));
        let state = clients.state();
        assert!(state.clients.is_empty() && state.integrations.is_empty(), "{state:?}");
        // All of it has been given back, to the last byte.
        drop(state);
        room.hold().grow(64 << 20).unwrap();
    }

    #[test]
    fn what_all_share_is_the_limit_for_all_and_a_body_that_may_be_larger_fits() {
        let (clients, room) = (Clients::new(0), Room::new(0));
        let mut held = Vec::new();
        for n in 0..8 {
            let mut one = clients.hold(&room, &id(&format!("i{n}")), at(&format!("192.0.2.{n}")));
            one.grow(OF_CLIENT).unwrap();
            held.push(one);
        }
        clients.hold(&room, &id("z"), at("192.0.2.100")).grow(1).unwrap_err();
        let (large, room) = (Clients::new(20 << 20), Room::new(20 << 20));
        large.hold(&room, &id("a"), at("192.0.2.1")).grow(20 << 20).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_sign_is_left_alone_for_a_while_and_nobody_else_is() {
        let clients = Clients::new(0);
        let (bad, good) = (at("192.0.2.1"), at("192.0.2.2"));
        for _ in 0..2_000 {
            assert!(clients.admit(bad).is_ok());
            clients.refused(bad);
        }
        let refused = clients.admit(bad).unwrap_err().response();
        assert_eq!(
            (refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()),
            (429, "1")
        );
        assert!(clients.admit(good).is_ok());
        tokio::time::advance(Duration::from_millis(5)).await;
        assert!(clients.admit(bad).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_without_number_are_one_and_what_is_known_of_them_goes_once_a_second_at_most() {
        let clients = Clients::new(0);
        let stranger = |n: u32| IpAddr::V4((0x0a00_0000 + n).into());
        for n in 0..5_000 {
            clients.refused(stranger(n));
        }
        // One more for those that have no place of their own, of which there are 904.
        assert_eq!(clients.state().clients.len(), KNOWN + 1);
        let left = |n| clients.state().known(stranger(n)).map(Client::left);
        assert_eq!((left(0), left(4_999)), (Some(1_999.0), Some(2_000.0 - 904.0)));
        for n in 5_000..8_000 {
            clients.refused(stranger(n));
        }
        assert!(clients.admit(stranger(9_999)).is_err(), "those without a place share one bucket");
        assert!(clients.admit(stranger(1)).is_ok());
        // They are full again, but nobody has looked for that yet.
        tokio::time::advance(TIDY).await;
        assert!(left(1) == Some(2_000.0) && clients.state().clients.len() == KNOWN + 1);
        clients.refused(stranger(9_999));
        assert!(clients.state().clients.len() <= 2, "{}", clients.state().clients.len());
        assert_eq!(left(9_999), Some(1_999.0));
    }
}
