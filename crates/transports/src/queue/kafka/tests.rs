//! Against brokers that do as they are told, and real ones.

mod fake;
mod logins;
mod real;
mod writing;

use std::{sync::Arc, time::Duration};

use trunkline_core::{Context, Egress, Profile};

use super::{
    cluster::Cluster,
    target::{Login, Target},
};
use crate::queue::net::Net;

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
