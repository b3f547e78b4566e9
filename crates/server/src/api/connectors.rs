//! `/api/v1/connectors`: the vendors that are known, what they ask for and what can be done with them; and the schema of
//! manifests.

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};
use trunkline::{Catalog, Connector, Manager};

use super::extract::Id;
use crate::problem::Problem;

/// All of them, without what is in them; with what is wrong with their files.
pub(super) async fn list(State(manager): State<Manager>) -> Json<Value> {
    let connectors = manager.catalog().connectors();
    let listed = connectors.iter().map(|connector| {
        let mut listed = facts(connector);
        listed["actions"] = connector.manifest().actions.len().into();
        if let Some(wrong) = connectors.wrong().get(&connector.manifest().name) {
            listed["error"] = wrong.clone().into();
        }
        listed
    });
    let unread = connectors.wrong().iter().filter(|(name, _)| connectors.get(name).is_none());
    Json(listed.chain(unread.map(|(name, wrong)| json!({ "name": name, "error": wrong }))).collect())
}

/// The schemas that forms are drawn from.
pub(super) async fn schemas(State(manager): State<Manager>) -> Json<Value> {
    Json(manager.catalog().schemas())
}

/// One, with the JSON Schemas of what it asks for, by the ways to authenticate, and of its actions.
pub(super) async fn read(State(manager): State<Manager>, Id(name): Id) -> Result<Json<Value>, Problem> {
    let connectors = manager.catalog().connectors();
    let connector =
        connectors.find(&name).map_err(|error| Problem::from(error).status(http::StatusCode::NOT_FOUND))?;
    let mut read = facts(connector);
    let ways = connector.manifest().auth.iter().map(|auth| {
        json!({ "id": auth.id, "title": auth.title, "help": auth.help, "auth_type": auth.auth_type, "inputs": connector.input_schema(Some(&auth.id)) })
    });
    read["auth"] = ways.collect();
    read["inputs"] = connector.input_schema(None);
    read["integration"] = connector.manifest().integration.clone().into();
    read["actions"] = actions(connector).into();
    Ok(Json(read))
}

/// The schema of manifests. It is the same in every copy of this build.
pub(super) async fn schema() -> Json<Value> {
    Json(Catalog::get().manifest_schema())
}

/// What can be done with an integration.
pub(super) async fn of_integration(
    State(manager): State<Manager>,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    let handle = manager.get(&id)?;
    Ok(Json(handle.connector().map(actions).unwrap_or_default().into()))
}

fn facts(connector: &Connector) -> Value {
    let manifest = connector.manifest();
    json!({
        "name": manifest.name, "title": manifest.title, "description": manifest.description,
        "categories": manifest.categories, "docs": manifest.docs,
        "type": manifest.integration.get("type").cloned().unwrap_or_else(|| json!("rest")),
    })
}

fn actions(connector: &Connector) -> Map<String, Value> {
    let actions = connector.manifest().actions.iter().map(|(name, action)| {
        let described = json!({
            "title": action.title, "description": action.description, "docs": action.docs, "method": action.method,
            "path": action.path, "input": connector.action_schema(name), "output": action.output,
            "returns": action.returns, "pages": connector.paging(name).is_some(),
        });
        (name.clone(), described)
    });
    actions.collect()
}
