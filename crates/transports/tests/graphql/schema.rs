//! Documents are checked against the schema where it is known: given, or asked for when it is first needed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use apollo_compiler::{ExecutableDocument, Schema, introspection, validation::Valid};
use serde_json::{Value, json};
use trunkline_core::Kind;
use trunkline_testkit::{Peer, Received};

use crate::common::{Service, answer, sent};

const SDL: &str = "type Query { order(id: ID!): Order } type Order { total: Int }";

/// A service that gives its schema unless it is `shy`.
async fn described(shy: Arc<AtomicBool>) -> Peer {
    growing(shy, Arc::default()).await
}

/// The same, whose orders have a number once it has `grown`.
async fn growing(shy: Arc<AtomicBool>, grown: Arc<AtomicBool>) -> Peer {
    let more = SDL.replace("total: Int", "total: Int number: String");
    let [old, new] = [SDL, &more].map(|sdl| Schema::parse_and_validate(sdl, "sdl").unwrap());
    Peer::http(move |received| {
        let schema = if grown.load(Ordering::SeqCst) { &new } else { &old };
        if !asks(&received) {
            return answer(200, &json!({"data": {"order": null}}));
        }
        if shy.load(Ordering::SeqCst) {
            return answer(400, &json!({"errors": [{"message": "introspection is off"}]}));
        }
        let text = sent(&received)["query"].as_str().unwrap().to_owned();
        let document = ExecutableDocument::parse_and_validate(schema, text, "query").unwrap();
        let operation = document.operations.get(None).unwrap();
        let none = Valid::assume_valid(Default::default());
        let implementers = schema.implementers_map();
        let found = introspection::partial_execute(schema, &implementers, &document, operation, &none);
        answer(200, &serde_json::to_value(found.unwrap()).unwrap())
    })
    .await
}

fn asks(received: &Received) -> bool {
    sent(received)["operationName"] == "Introspection"
}

fn asked(peer: &Peer) -> usize {
    peer.received().iter().filter(|received| asks(received)).count()
}

fn right() -> Value {
    json!({"query": "{ order(id: 1) { total } }"})
}

fn wrong() -> Value {
    json!({"query": "{\n  order { totl }\n}"})
}

#[tokio::test]
async fn a_schema_that_is_given_is_checked_against_before_anything_is_sent() {
    let peer = described(Arc::default()).await;
    let service = Service::new(&peer, json!({"schema": {"sdl": SDL}}));
    let error = service.json(wrong()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidConfig);
    for words in ["query: ", "at line 2 column 3", "totl", "at line 2 column 11"] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    assert_eq!(peer.connections(), 0);
    service.json(right()).await.unwrap();
    assert_eq!(service.schema().await.unwrap(), json!({"sdl": SDL}));
    let named = json!({"schema": {"sdl": SDL}, "queries": {"bad": "{ nothing }"}});
    let Err(error) = Service::open(&peer, named) else { panic!("it has a bad query") };
    assert!(error.message().starts_with("queries.bad: "), "{error}");
}

#[tokio::test]
async fn a_schema_is_asked_for_by_the_first_call_and_once_by_many() {
    let peer = described(Arc::default()).await;
    let service = Service::new(&peer, json!({"schema": {"introspect": true}}));
    assert_eq!(peer.connections(), 0);
    let calls = (0..10).map(|n| service.json(if n % 2 == 0 { wrong() } else { right() }));
    let replies = futures_util::future::join_all(calls).await;
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 5);
    assert_eq!((asked(&peer), peer.received().len()), (1, 6));
    // Now it is known, nothing has to be sent to find out.
    assert!(service.parse(&wrong()).unwrap_err().message().contains("at line 2 column 3"));
    let sdl = service.schema().await.unwrap()["sdl"].as_str().unwrap().to_owned();
    assert!(sdl.contains("order(id: ID!): Order"), "{sdl}");
    assert_eq!(asked(&peer), 1);
}

#[tokio::test]
async fn a_service_that_does_not_give_its_schema_is_called_all_the_same() {
    let shy = Arc::new(AtomicBool::new(true));
    let peer = described(shy.clone()).await;
    let service = Service::new(&peer, json!({"schema": {"introspect": true}}));
    for _ in 0..3 {
        service.json(wrong()).await.unwrap();
    }
    assert_eq!(asked(&peer), 2, "without deprecated inputs too, and then it is left alone for a while");
    let warning = service.probe().await.unwrap().warning.unwrap();
    assert!(warning.contains("introspection is off"), "{warning}");
    let error = service.schema().await.unwrap_err();
    assert!(error.message().contains("introspection is off"), "{error}");
}

#[tokio::test]
async fn what_is_deprecated_is_known_where_the_service_tells_of_it() {
    // Whoever is not asked for deprecated inputs does not name them; and not all know what that asks for.
    for (knows, asks) in [(true, 1), (false, 2)] {
        let peer = Peer::http(move |received| {
            if !self::asks(&received) {
                return answer(200, &json!({"data": {"user": 1}}));
            }
            let text = sent(&received)["query"].as_str().unwrap().to_owned();
            match text.contains("args(includeDeprecated: true)") {
                true if !knows => {
                    answer(400, &json!({"errors": [{"message": "Unknown argument \"includeDeprecated\""}]}))
                }
                all => answer(200, &user(all)),
            }
        })
        .await;
        let service = Service::new(&peer, json!({"schema": {"introspect": true}}));
        let by = service.json(json!({"query": "{ user(login: \"a\") }"})).await;
        assert_eq!((by.is_ok(), asked(&peer)), (knows, asks), "{by:?}");
        service.json(json!({"query": "{ user(id: \"1\") }"})).await.unwrap();
    }
}

/// `type Query { user(id: ID, login: ID @deprecated): Int }` as a service describes it.
fn user(deprecated_too: bool) -> Value {
    let named = |kind: &str, name: &str| json!({"kind": kind, "name": name, "ofType": null});
    let scalar = |name: &str| json!({"kind": "SCALAR", "name": name, "fields": null, "inputFields": null, "interfaces": null, "enumValues": null, "possibleTypes": null});
    let arg = |name: &str| json!({"name": name, "type": named("SCALAR", "ID"), "defaultValue": null});
    let args: Vec<_> = ["id", "login"].into_iter().take(1 + usize::from(deprecated_too)).map(arg).collect();
    let field = json!({"name": "user", "args": args, "type": named("SCALAR", "Int"), "isDeprecated": false});
    let query = json!({"kind": "OBJECT", "name": "Query", "fields": [field], "inputFields": null, "interfaces": [], "enumValues": null, "possibleTypes": null});
    json!({"data": {"__schema": {
        "queryType": {"name": "Query"}, "mutationType": null, "subscriptionType": null, "directives": [],
        "types": [query, scalar("Int"), scalar("ID")],
    }}})
}

#[tokio::test]
async fn a_schema_can_be_seen_without_documents_being_checked() {
    let peer = described(Arc::default()).await;
    let service = Service::new(&peer, json!({}));
    service.json(wrong()).await.unwrap();
    assert!(service.schema().await.unwrap()["sdl"].as_str().unwrap().contains("type Order"));
}

#[tokio::test]
async fn an_old_schema_is_asked_for_again_while_calls_go_on() {
    let grown = Arc::new(AtomicBool::new(false));
    let peer = growing(Arc::default(), grown.clone()).await;
    let service = Service::new(&peer, json!({"schema": {"introspect": true, "refresh": "1ms"}}));
    let number = json!({"query": "{ order(id: 1) { number } }"});
    assert!(service.json(number.clone()).await.is_err());
    grown.store(true, Ordering::SeqCst);
    // Whoever finds it old has it asked for, and does not wait.
    for tries in 0.. {
        service.json(right()).await.unwrap();
        if service.parse(&number).is_ok() {
            break;
        }
        assert!(tries < 1000, "it is still the old one");
    }
}
