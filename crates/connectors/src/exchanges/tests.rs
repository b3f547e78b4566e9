//! What files of exchanges may say.

use super::*;

const ONE: &str = "
inputs: {api_key: k}
headers: {Authorization: Bearer k}
exchanges:
  - name: an order is read
    action: get_order
    input: {id: '7'}
    wire:
      - request: {method: GET, url: 'https://acme.example/orders/7'}
        reply: {json: {id: '7'}}
  - name: a message that is lost may have been sent
    action: send
    wire:
      - request: {method: POST, url: 'https://acme.example/send', headers: {Idempotency-Key: <key>, X-Other: null}, form: {to: a}}
        reply: {lost: true}
        times: 3
    fails: {kind: unavailable, outcome: unknown}
";

#[test]
fn what_is_left_out_is_what_is_usual() {
    let exchanges = Exchanges::parse(ONE).unwrap();
    let [first, second] = &exchanges.exchanges[..] else { panic!() };
    assert_eq!((first.wire[0].times, first.wire[0].reply.status), (1, 200));
    assert_eq!(second.wire[0].request.headers["X-Other"], None);
    let again = serde_json::to_string(&exchanges).unwrap();
    assert_eq!(
        serde_json::to_value(Exchanges::parse(&again).unwrap()).unwrap(),
        serde_json::to_value(exchanges).unwrap()
    );
}

#[test]
fn what_is_wrong_is_named_with_the_nearest_that_is_known() {
    for (from, to, words) in [
        ("inputs:", "input:", "unknown key `input`, did you mean `inputs`?"),
        (
            "reply: {json",
            "reply: {jsn",
            "exchanges[0].wire[0].reply: unknown key `jsn`, did you mean `json`?",
        ),
        (
            "kind: unavailable",
            "kind: unavailabel",
            "exchanges[1]: fails.kind: is none, did you mean `unavailable`?",
        ),
        ("outcome: unknown", "outcome: maybe", "exchanges[1]: fails.outcome: is none"),
        ("method: GET", "method: get", "exchanges[0]: wire[0]: request.method: "),
        ("https://acme.example/orders/7", "/orders/7", "exchanges[0]: wire[0]: request.url: "),
        ("action: send", "action: send\n    connect: /authorize", "exchanges[1]: connect: "),
        ("lost: true", "lost: true, text: x", "exchanges[1]: wire[0]: reply: has at most one"),
        ("times: 3", "times: 0", "exchanges.1.wire.0.times: "),
        ("reply: {json", "reply: {status: 99, json", "exchanges.0.wire.0.reply.status: "),
        ("action: send", "probe: false", "exchanges[1]: needs one of action, call and probe"),
        (
            "an order is read",
            "a message that is lost may have been sent",
            "exchanges[1]: name: is there twice",
        ),
        ("fails: {", "gives: 1\n    fails: {", "exchanges[1]: gives: "),
    ] {
        assert!(ONE.contains(from), "{from}");
        let error = Exchanges::parse(&ONE.replacen(from, to, 1)).unwrap_err();
        assert!(error.message().starts_with(words), "{to}: {error}");
    }
}

#[test]
fn their_file_stands_beside_the_manifest() {
    for (manifest, exchanges) in
        [("a/acme.yaml", "a/acme.exchanges.yaml"), ("acme.json", "acme.exchanges.json")]
    {
        let path = Exchanges::beside(Path::new(manifest));
        assert_eq!(path, Path::new(exchanges));
        assert!(Exchanges::is_one(&path) && !Exchanges::is_one(Path::new(manifest)));
    }
}
