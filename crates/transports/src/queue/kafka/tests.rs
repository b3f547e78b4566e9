//! Against brokers that do as they are told, and real ones.

mod coordinator;
mod fake;
mod logins;
mod membership;
mod real;
mod writing;

use std::{sync::Arc, time::Duration};

use trunkline_core::{Ack, Context, Egress, Profile};

use super::{
    cluster::Cluster,
    target::{Login, Target},
};
use crate::queue::{
    broker::{Reached, Subscription},
    net::Net,
};

/// Somebody who pulls from the topic `t` as the group `g`.
fn in_group() -> Subscription {
    Subscription {
        source: "t".to_owned(),
        group: Some("g".to_owned()),
        owner: Arc::default(),
        start: None,
        ack: Ack::Explicit,
        prefetch: None,
        hold: Duration::from_secs(30),
        reached: Reached::default(),
    }
}

/// The cluster at an address.
fn cluster(at: &str, login: Option<Login>) -> Arc<Cluster> {
    cluster_within(Profile::Lab, at, login)
}

/// The same, within what a profile admits.
fn cluster_within(profile: Profile, at: &str, login: Option<Login>) -> Arc<Cluster> {
    let context = Context::new(Arc::new(Egress::new(profile, &[]).unwrap()));
    let limit = Duration::from_secs(10);
    let target = Target::new(context, Net::new(None), login, "trunkline".to_owned(), limit);
    let (host, port) = at.rsplit_once(':').unwrap();
    Cluster::new(target, vec![(host.to_owned(), port.parse().unwrap())], false)
}
