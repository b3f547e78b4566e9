//! `dial`: the one place that opens a connection. Every transport comes through here, so that no
//! address is reached that the egress guard has not seen.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use trunkline_core::{Egress, Error, Kind, Outcome, Result, Stage, Zone};

/// How long an address may keep silent before the next is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to `host:port` within `limit`, resolving the name first if it is one.
///
/// # Errors
///
/// `blocked` when the guard refuses the host, or *any* address it resolves to: a name that mixes public
/// and private answers is an attack or a mistake. `unknown_host` when the name does not exist,
/// `unavailable` or `timeout` when it cannot be resolved or no address answers. All with outcome `not_sent`.
pub async fn dial(egress: &Egress, zone: Zone, host: &str, port: u16, limit: Duration) -> Result<TcpStream> {
    let end = Instant::now() + limit;
    let addresses = admitted(egress, zone, host, port, end).await?;
    let connecting = async {
        match timeout_at(end, race(&addresses)).await {
            Ok(Ok(stream)) => {
                // Without this, a small request waits for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                Ok(stream)
            }
            Ok(Err(error)) => Err(Error::new(Kind::Unavailable, format!("cannot connect to {host}:{port}"))
                .outcome_is(Outcome::NotSent)
                .source(error)),
            Err(_) => {
                Err(Error::new(Kind::Timeout, format!("no connection to {host}:{port} within {limit:?}"))
                    .outcome_is(Outcome::NotSent))
            }
        }
    };
    egress.stage(Stage::Tcp, host, connecting).await
}

/// The addresses that `host` stands for, the guard having admitted each of them, in the order in which they are best
/// tried: for libraries that dial by themselves, which are then given an address and never the name.
///
/// # Errors
///
/// As [`dial`] before it connects.
pub(crate) async fn admitted(
    egress: &Egress,
    zone: Zone,
    host: &str,
    port: u16,
    end: Instant,
) -> Result<Vec<SocketAddr>> {
    egress.check_host(zone, host, port)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let addresses = match bare.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => egress.stage(Stage::Dns, host, resolve(host, port, end)).await?,
    };
    admit(egress, zone, host, &addresses)?;
    Ok(alternate(addresses))
}

/// Judges all that a name resolved to: one refused address refuses the name, lest whoever answers for it
/// hide a private address behind a public one and win the race.
fn admit(egress: &Egress, zone: Zone, host: &str, addresses: &[SocketAddr]) -> Result<()> {
    let own = |address: &&SocketAddr| egress.listens_everywhere(address.port()) && is_own(**address);
    addresses.iter().filter(own).for_each(|address| egress.forbid(*address));
    addresses.iter().try_for_each(|address| egress.check(zone, host, *address))
}

/// Whether an address is this machine's: it is where the system would speak from to reach it. A UDP socket
/// that is connected and says nothing sends nothing.
fn is_own(address: SocketAddr) -> bool {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    from.is_ok_and(|from| from.ip() == address.ip())
}

async fn resolve(host: &str, port: u16, end: Instant) -> Result<Vec<SocketAddr>> {
    let failed = |message: String| Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent);
    match timeout_at(end, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(addresses)) => {
            let addresses: Vec<_> = addresses.collect();
            if addresses.is_empty() {
                return Err(failed(format!("the name {host} has no address")));
            }
            Ok(addresses)
        }
        Ok(Err(error)) if does_not_exist(&error) => {
            let message = format!("the name {host} does not exist; correct the address of the integration");
            Err(Error::new(Kind::UnknownHost, message).source(error))
        }
        Ok(Err(error)) => Err(failed(format!("the name {host} cannot be resolved")).source(error)),
        Err(_) => Err(failed(format!("the name {host} was not resolved in time"))),
    }
}

/// What getaddrinfo says of a name that does not exist (EAI_NONAME), by C library. std keeps the words and
/// drops the number. They are not translated: nothing here calls setlocale.
const NO_SUCH_NAME: [&str; 3] = [
    "Name or service not known",                    // glibc
    "Name does not resolve",                        // musl
    "nodename nor servname provided, or not known", // macOS
];

/// Whether the answer is final. In doubt it is not: a name server that is down (EAI_AGAIN) comes back.
fn does_not_exist(error: &std::io::Error) -> bool {
    let said = error.to_string();
    NO_SUCH_NAME.iter().any(|words| said.ends_with(words))
}

/// The addresses with the two families taking turns, beginning with that of the first
/// (RFC 8305 section 4).
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut out = Vec::with_capacity(first.len() + second.len());
    first.reverse();
    second.reverse();
    while let Some(address) = first.pop() {
        out.push(address);
        out.extend(second.pop());
    }
    out.extend(second.into_iter().rev());
    out
}

/// Tries each address, the next one as soon as the one before fails or is silent for [`STAGGER`].
async fn race(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = std::io::Error::other("no address");
    loop {
        match waiting.next() {
            Some(address) => attempts.push(connect(*address)),
            None if attempts.is_empty() => return Err(last),
            None => {}
        }
        let stagger = if waiting.len() == 0 { Duration::MAX } else { STAGGER };
        match tokio::time::timeout(stagger, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => last = error,
            Ok(None) | Err(_) => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that the guard stands before")]
async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if stream.peer_addr()? != address {
        return Err(std::io::Error::other("connected to another address than the one dialled"));
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use trunkline_core::Profile;
    use trunkline_testkit::Peer;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_refused_address_is_never_dialled() {
        let peer = Peer::raw(|_| async {}).await;
        let egress = Egress::new(Profile::Guarded, &[]).unwrap();
        let port = peer.address().port();
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0x7f.1", "2130706433"]
        {
            let error = dial(&egress, Zone::Http, host, port, LIMIT).await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent), "{host}: {error}");
        }
        assert!(
            dial(&egress, Zone::Service, "127.0.0.1", port, LIMIT).await.is_ok(),
            "databases may be local"
        );
    }

    #[tokio::test]
    async fn a_refused_connection_was_not_sent() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let egress = Egress::new(Profile::Lab, &[]).unwrap();
        let error = dial(&egress, Zone::Http, "127.0.0.1", port, LIMIT).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent));
        assert!(error.to_string().contains("refused"), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let egress = Egress::new(Profile::Lab, &[]).unwrap();
        let error = dial(&egress, Zone::Http, "no-such-host.invalid", 80, LIMIT).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert!(error.message().contains("no-such-host.invalid"), "{error}");
        // The words of the C library arrive here. Without a name server, they are the other ones.
        let said = std::error::Error::source(&error).unwrap().to_string();
        let no_server = ["Temporary failure in name resolution", "Try again"];
        match error.kind() {
            Kind::UnknownHost => {}
            kind => assert!(
                kind == Kind::Unavailable && no_server.iter().any(|words| said.ends_with(words)),
                "{kind}: {said}"
            ),
        }
    }

    #[test]
    fn only_a_name_that_does_not_exist_is_given_up() {
        let said = |words: &str| {
            does_not_exist(&std::io::Error::other(format!("failed to lookup address information: {words}")))
        };
        assert!(NO_SUCH_NAME.into_iter().all(said));
        for words in
            ["Temporary failure in name resolution", "Try again", "No address associated with hostname"]
        {
            assert!(!said(words), "{words}");
        }
    }

    #[test]
    fn a_name_with_one_refused_address_is_refused_whatever_its_place() {
        let egress = Egress::new(Profile::Guarded, &[]).unwrap();
        let (public, private) = ("93.184.215.14:443", "10.0.0.1:443");
        for (addresses, admitted) in [
            (vec![public], true),
            (vec![public, "[2606:2800:21f::1]:443"], true),
            (vec![public, private], false),
            (vec![private, public], false),
            (vec![public, public, "[::ffff:10.0.0.1]:443"], false),
            (vec![public, "[::1]:443"], false),
            (vec![public, "169.254.169.254:443"], false),
        ] {
            let parsed: Vec<_> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            let result = admit(&egress, Zone::Http, "mixed.example.com", &parsed);
            assert_eq!(
                result.err().map(|error| error.kind()),
                (!admitted).then_some(Kind::Blocked),
                "{addresses:?}"
            );
        }
    }

    #[test]
    fn the_address_families_take_turns() {
        let all = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"].map(|a| a.parse().unwrap());
        let order: Vec<_> = alternate(all.to_vec()).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "3.3.3.3:1"]);
    }
}
