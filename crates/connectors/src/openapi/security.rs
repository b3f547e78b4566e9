//! Ways to authenticate, one or more of each security scheme: which is the usual one, and what inputs are called.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    document::{Document, members, text},
    names,
    notes::{Notes, shown},
    operations::Operations,
    schemes::{Scheme, asks},
    servers::Server,
};
use crate::Auth;

/// What is noted where an operation says which scopes it wants.
const SCOPES: &str =
    "which scopes it wants is not carried over; a token is good for those that the integration asks for";

/// Schemes that are enough, each with others that are needed beside it.
type Ways<'a> = BTreeSet<BTreeSet<&'a str>>;

/// The ways to authenticate, those that most operations ask for first.
pub(super) fn read(
    document: &Document,
    operations: &Operations<'_>,
    server: &Server,
    notes: &Notes,
) -> Vec<Auth> {
    let empty = Value::Null;
    let schemes = document.root().get("components").unwrap_or(&empty);
    let common = common(operations);
    tell(operations, &common, notes);
    let alone = common.iter().filter(|way| way.len() == 1).flatten().copied();
    let mut order: Vec<&str> = alone.collect();
    for (name, _) in members(schemes, "securitySchemes") {
        if !order.contains(&name.as_str()) {
            order.push(name);
        }
    }
    let mut taken: BTreeSet<String> = server.inputs.iter().map(|input| input.name.clone()).collect();
    let mut ids = BTreeSet::new();
    let mut all = Vec::new();
    for name in order {
        let place = format!("components.securitySchemes.{}", shown(name));
        let Some((_, scheme)) = members(schemes, "securitySchemes").find(|(known, _)| *known == name) else {
            notes.tell("security", format!("asks for `{}`, which is no security scheme", shown(name)));
            continue;
        };
        let made = match document.resolve(scheme) {
            Ok(scheme) => Scheme { scheme, place: &place, notes, server }.ways(),
            Err(what) => {
                notes.tell(&*place, what);
                continue;
            }
        };
        let renamed = apart(&names::identifier(name), &made, &mut taken);
        for (suffix, mut auth) in made {
            auth.id = names::unique(names::identifier(&format!("{name}{suffix}")), &mut ids);
            auth.help = text(Some(scheme), "description").unwrap_or_default().trim().to_owned();
            all.push(rename(auth, &renamed));
        }
    }
    all
}

/// The names of inputs that others have already, and those that they get.
fn apart(scheme: &str, made: &[(String, Auth)], taken: &mut BTreeSet<String>) -> BTreeMap<String, String> {
    let own: BTreeSet<_> =
        made.iter().flat_map(|(_, auth)| &auth.inputs).map(|input| input.name.clone()).collect();
    let clash = own.iter().any(|name| taken.contains(name));
    own.into_iter()
        .map(|name| {
            let wanted = if clash { format!("{scheme}_{name}") } else { name.clone() };
            (name, names::unique(wanted, taken))
        })
        .collect()
}

/// The same with other names of inputs.
fn rename(mut auth: Auth, names: &BTreeMap<String, String>) -> Auth {
    for input in &mut auth.inputs {
        let old = format!("{{{{ inputs.{} }}}}", input.name);
        if let Some(new) = names.get(&input.name) {
            input.name.clone_from(new);
        }
        for value in auth.auth_config.values_mut().filter(|value| *value == old.as_str()) {
            *value = asks(&input.name);
        }
    }
    auth
}

/// What most operations ask for: what the document says of all, unless it says nothing.
fn common<'a>(operations: &Operations<'a>) -> Ways<'a> {
    if let Some(all) = operations.document.root().get("security") {
        return ways(all);
    }
    let mut counted: BTreeMap<Ways<'a>, usize> = BTreeMap::new();
    for own in operations.list.iter().filter_map(|operation| operation.value.get("security")) {
        *counted.entry(ways(own)).or_default() += 1;
    }
    counted.into_iter().max_by_key(|(_, count)| *count).map(|(ways, _)| ways).unwrap_or_default()
}

/// Notes what is asked for in another way than usual, or together, and scopes.
fn tell(operations: &Operations<'_>, common: &Ways<'_>, notes: &Notes) {
    for way in common.iter().filter(|way| way.len() > 1) {
        notes.tell("security", format!("wants {} together; an integration has one of them", list(way)));
    }
    let root = operations.document.root();
    if root.get("security").is_some_and(wants_scopes) {
        notes.often("security", SCOPES);
    }
    for operation in &operations.list {
        if operation.value.get("security").is_some_and(wants_scopes) {
            notes.often(&*operation.place, SCOPES);
        }
        let own = match operation.value.get("security") {
            Some(own) => ways(own),
            None if root.get("security").is_some() => continue,
            None => Ways::new(),
        };
        if own == *common {
            continue;
        }
        if own.is_empty() || own.contains(&BTreeSet::new()) {
            notes
                .often(&*operation.place, "needs no credential; the integration's goes with it all the same");
            continue;
        }
        let wanted = own.iter().map(list).collect::<Vec<_>>().join(" or ");
        notes.tell(&*operation.place, format!("wants {wanted}, unlike others"));
    }
}

fn list(way: &BTreeSet<&str>) -> String {
    way.iter().map(|name| shown(name)).collect::<Vec<_>>().join(" and ")
}

/// Whether it names scopes of a scheme.
fn wants_scopes(security: &Value) -> bool {
    let each = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    each.flat_map(|way| way.values()).any(|scopes| scopes.as_array().is_some_and(|scopes| !scopes.is_empty()))
}

fn ways(security: &Value) -> Ways<'_> {
    let each = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    each.map(|way| way.keys().map(String::as_str).collect()).collect()
}
