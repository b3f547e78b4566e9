//! Replays recorded exchanges: the connector does what it is asked for, over the whole pipeline and a real connection, with a
//! service on loopback that answers as was recorded.

mod compare;
mod service;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value, json, value::to_raw_value};
use tokio::time::timeout;
use trunkline::{
    Connector, Egress, Error, Manager, Profile, Reply, Result, Walk,
    connectors::{Exchange, Exchanges, Failure},
};
use url::Url;

use self::{compare::Names, service::Service};

/// The id of the integration that is made for an exchange.
const ID: &str = "replay";
/// No exchange takes longer, however its calls are paced.
const LONGEST: Duration = Duration::from_secs(60);
/// No reply is longer.
const LONGEST_BODY: usize = 16 << 20;
/// Where a browser comes back to, and with what.
const CALLBACK: &str = "https://trunkline.example/callback";
const STATE: &str = "a-state";
const CODE: &str = "a-code";
/// Where a configuration has URLs that something is sent to.
const ADDRESSED: [&str; 2] = ["base_url", "auth_config"];

/// Replays one, and says what was otherwise than it is recorded; nothing where all was as it should be.
pub(crate) async fn replay(
    connector: Arc<Connector>,
    exchanges: &Exchanges,
    exchange: &Exchange,
) -> Vec<String> {
    let replayed = timeout(LONGEST, replayed(connector, exchanges, exchange)).await;
    match replayed {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![error.to_string()],
        Err(_) => vec![format!("it did not end within {} seconds", LONGEST.as_secs())],
    }
}

async fn replayed(
    connector: Arc<Connector>,
    exchanges: &Exchanges,
    exchange: &Exchange,
) -> Result<Vec<String>> {
    let mut config = document(&connector, exchanges, exchange);
    let mut addressed = connector.complete(&config)?;
    addressed.retain(|key, _| ADDRESSED.contains(&key.as_str()));
    let mut origins: BTreeSet<_> =
        exchange.wire.iter().filter_map(|turn| origin(&turn.request.url)).collect();
    urls(&mut addressed, &mut |url| origins.extend(origin(url)));
    let service = Service::start(origins, exchanges, exchange)
        .await
        .map_err(|error| Error::invalid("nothing can listen on loopback").source(error))?;
    urls(&mut addressed, &mut |url| *url = service.here(url));
    config.extend(addressed);
    config.insert("integration_id".to_owned(), ID.into());
    // Pauses that we choose show nothing. Those that a service asks for are kept.
    config.insert("retry_config".to_owned(), json!({ "backoff": 0.001, "backoff_factor": 1 }));

    let egress = Egress::new(Profile::Lab, &[])?;
    let manager = Manager::builder().egress(egress).connector(connector).build().await?;
    manager.register(manager.read(config.into())?).await?;
    let asked = async {
        if let Some(expected) = &exchange.connect {
            connect(&manager, &service, expected).await?;
        }
        ask(&manager, exchange).await
    };
    let ended = asked.await.map(|(given, partial)| (service.back(&given), partial));
    manager.close().await;
    let (mut findings, mut names) = service.finish();
    match ended {
        Ok((given, partial)) => {
            findings.extend(judge(exchange, &given, &mut names));
            if partial != exchange.partial {
                findings.push(format!("parts that failed: are {partial}, expected {}", exchange.partial));
            }
        }
        Err(error) => findings.extend(fault(exchange.fails.as_ref(), &error)),
    }
    Ok(findings)
}

/// The integration that an exchange is for.
fn document(connector: &Connector, exchanges: &Exchanges, exchange: &Exchange) -> Map<String, Value> {
    let mut inputs = exchanges.inputs.clone();
    inputs.extend(exchange.inputs.clone());
    inputs.retain(|_, value| !value.is_null());
    let mut document = Map::new();
    document.insert("connector".to_owned(), connector.manifest().name.clone().into());
    document.insert("inputs".to_owned(), inputs.into());
    let auth = exchange.auth.as_ref().or(exchanges.auth.as_ref());
    document.extend(auth.map(|auth| ("auth".to_owned(), auth.clone().into())));
    document
}

/// Looks at every URL in these keys that something is sent to.
fn urls(fields: &mut Map<String, Value>, each: &mut impl FnMut(&mut String)) {
    for (key, value) in fields {
        match value {
            Value::String(text) if key.ends_with("url") || key == "issuer" => each(text),
            Value::Object(fields) => urls(fields, each),
            _ => {}
        }
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// Connects an account as a person does whose browser is sent to `expected`.
async fn connect(manager: &Manager, service: &Service, expected: &str) -> Result<()> {
    let handle = manager.get(ID)?;
    let (consent, context) = (handle.consent()?, handle.context());
    let begun = consent.begin(context, CALLBACK, STATE).await?;
    if let Some(url) = service.back(&begun.url.clone().into()).as_str() {
        service.sent_off(expected, url);
    }
    let answer = [("code", CODE), ("state", STATE)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    consent.finish(context, &begun, &answer.into()).await
}

/// Asks for it as a caller of the API would. With what it gives comes how many parts of it failed.
async fn ask(manager: &Manager, exchange: &Exchange) -> Result<(Value, u64)> {
    if exchange.probe {
        return Ok((json!(manager.health(ID).await?.state), 0));
    }
    let request = match (&exchange.action, &exchange.call) {
        (Some(action), _) => {
            let mut request = json!({ "action": action, "input": exchange.input });
            if let Some(pages) = &exchange.pages {
                request["pages"] = pages.clone();
            }
            request
        }
        (None, call) => json!(call),
    };
    let request = to_raw_value(&request).map_err(|error| Error::invalid("call: is no JSON").source(error))?;
    let handle = manager.get(ID)?;
    let Some(mut walk) = Walk::of(&handle, &request)? else {
        let reply = handle.call(&mut handle.ask(&request)?).await?;
        let partial =
            reply.headers.get(Reply::PARTIAL_ERRORS).and_then(|count| count.to_str().ok()?.parse().ok());
        return Ok((body(reply).await?, partial.unwrap_or_default()));
    };
    let mut records = Vec::new();
    while let Some(page) = walk.next(|_| {}).await? {
        records.extend(page);
    }
    Ok((json!({ "records": records, "pages": walk.pages(), "cursor": walk.cursor() }), 0))
}

/// What is in a reply: JSON, or a text; `null` where nothing is.
async fn body(reply: Reply) -> Result<Value> {
    let bytes = reply.body.collect(LONGEST_BODY).await?;
    Ok(match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(_) if bytes.is_empty() => Value::Null,
        Err(_) => String::from_utf8_lossy(&bytes).into(),
    })
}

/// What of a success is otherwise than it is recorded.
fn judge(exchange: &Exchange, given: &Value, names: &mut Names) -> Vec<String> {
    if let Some(fails) = &exchange.fails {
        return vec![format!("it succeeds, and should fail as {}", fails.kind)];
    }
    let last = || {
        exchange
            .wire
            .last()
            .and_then(|turn| turn.reply.json.clone().or_else(|| turn.reply.text.clone().map(Value::from)))
    };
    let expected = exchange.gives.clone().or_else(last).unwrap_or_default();
    let mut findings = Vec::new();
    names.compare("what it gives", &expected, given, &mut findings);
    findings
}

/// What of a failure is otherwise than it is recorded.
fn fault(expected: Option<&Failure>, error: &Error) -> Vec<String> {
    let Some(expected) = expected else { return vec![format!("it fails: {error}")] };
    let fact = |key: &str| {
        error
            .context()
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let outcome = json!(error.outcome()).as_str().unwrap_or_default().to_owned();
    let wait = error.wait().map_or_else(|| "none".to_owned(), |wait| wait.as_secs().to_string());
    let facts = [
        ("kind", Some(expected.kind.clone()), error.kind().code().to_owned()),
        ("outcome", expected.outcome.clone(), outcome),
        ("upstream_code", expected.upstream_code.clone(), fact("upstream_code")),
        ("upstream_message", expected.upstream_message.clone(), fact("upstream_message")),
        ("wait", expected.wait.map(|wait| wait.to_string()), wait),
    ];
    let wrong = facts
        .into_iter()
        .filter(|(_, expected, is)| expected.as_ref().is_some_and(|expected| expected != is));
    let mut findings: Vec<_> = wrong
        .map(|(what, expected, is)| format!("{what}: is {is:?}, expected {:?}", expected.unwrap_or_default()))
        .collect();
    if !findings.is_empty() {
        findings.push(format!("it fails: {error}"));
    }
    findings
}
