//! `RabbitMq`: a real RabbitMQ node of its own, which can be killed, steered from within and started again.

mod node;
mod shared;

use std::sync::atomic::{AtomicU16, Ordering};

use node::{ACCOUNTS, Node, Programs, READY, command, data};
pub use shared::SharedRabbitMq;

use crate::{
    Options,
    broker::{Broker, is_broker},
    postgres::PASSWORD_IN_URL,
    server::{Account, free_port, skipped},
};

/// A RabbitMQ node without plugins. The user `trunk`, whose password is [`PASSWORD`](crate::PASSWORD), may do everything in the virtual
/// hosts `/` and [`RabbitMq::VHOST`]; so may `guest`. It starts in two seconds, most of which it computes.
///
/// It does what every [`Broker`] does, and keeps what it has confirmed of durable queues over a kill.
#[derive(Debug)]
pub struct RabbitMq {
    broker: Broker,
    node: Node,
    scheme: &'static str,
}

is_broker!(RabbitMq);

impl RabbitMq {
    /// A virtual host whose name has to be escaped in a URL.
    pub const VHOST: &str = "orders/50% ü";

    /// Starts one; none, and a line that says so, where RabbitMQ is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(Options::default()).await
    }

    /// A virtual host of a node that all tests share, for those that neither kill it nor set it up: it is there at
    /// once.
    pub async fn shared() -> Option<SharedRabbitMq> {
        SharedRabbitMq::start().await
    }

    /// The same with options. It never lets in anybody without a password, and always `trunk` and `guest`.
    pub async fn start_with(options: Options<'_>) -> Option<Self> {
        let Some(programs) = Programs::find() else {
            skipped("RabbitMQ server", "rabbitmq-server");
            return None;
        };
        let account = Account::of(ACCOUNTS);
        let control = AtomicU16::new(0);
        let broker = Broker::start("rabbit", ACCOUNTS, READY, async |place| {
            data(&account, &programs, &place.folder).await;
            let mut lines = match options.tls {
                None => vec![format!("listeners.tcp.1 = 127.0.0.1:{}", place.port)],
                Some(authority) => {
                    let files = place.certificate(authority);
                    vec![
                        "listeners.tcp = none".to_owned(),
                        format!("listeners.ssl.1 = 127.0.0.1:{}", place.port),
                        format!("ssl_options.cacertfile = {}", files.authority),
                        format!("ssl_options.certfile = {}", files.certificate),
                        format!("ssl_options.keyfile = {}", files.key),
                        format!(
                            "ssl_options.verify = verify_{}",
                            if options.mutual { "peer" } else { "none" }
                        ),
                        format!("ssl_options.fail_if_no_peer_cert = {}", options.mutual),
                    ]
                }
            };
            lines.extend(options.settings.iter().map(|&line| line.to_owned()));
            control.store(free_port(), Ordering::Relaxed);
            let start = account.command(&programs.server);
            command(start, &account, place.folder.path(), control.load(Ordering::Relaxed), &lines)
        })
        .await;
        let control = control.into_inner();
        let scheme = if options.tls.is_some() { "amqps" } else { "amqp" };
        let node = Node { erl_call: programs.erl_call, control };
        for (user, password) in options.users {
            node.add_user(user, password, &["/", Self::VHOST]);
        }
        Some(Self { node, broker, scheme })
    }

    /// The URL of the virtual host `/` for `trunk`, such as `amqp://trunk:p%40ss@127.0.0.1:5673`.
    pub fn url(&self) -> String {
        format!("{}://trunk:{PASSWORD_IN_URL}@{}", self.scheme, self.address())
    }

    /// The same of [`RabbitMq::VHOST`].
    pub fn vhost_url(&self) -> String {
        format!("{}/orders%2F50%25%20%C3%BC", self.url())
    }

    /// What an expression of Erlang gives within the node, such as `rabbit_vhost:list_names()`
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub fn eval(&self, erlang: &str) -> String {
        self.node.eval(erlang)
    }

    /// Kills it, once what has been declared is on disk: left to itself RabbitMQ has it in memory alone for seconds,
    /// though it has confirmed it. What it has confirmed of messages is on disk anyway.
    pub async fn kill(&mut self) {
        // One that is held up does not answer.
        let _ = self.node.call("mnesia:sync_log()", &["-timeout", "2"]);
        self.broker.kill().await;
    }

    /// Ends all connections as an operator does: with a close for which a client is not to blame, 320.
    pub fn close_connections(&self) {
        self.eval("rabbit_networking:close_connections(rabbit_networking:connections(), <<\"for a test\">>)");
    }

    /// Has it run out of memory, or not any more: it blocks connections that publish, and says so to those who want
    /// to know.
    pub fn set_alarm(&self, on: bool) {
        self.eval(if on {
            "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})"
        } else {
            "rabbit_alarm:clear_alarm({resource_limit, memory, node()})"
        });
    }
}
