use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::encoding::Encoding;

/// When the webhooks below were signed, in seconds of Unix time.
const AT: u64 = 1_700_000_000;

fn open(keys: Value) -> trunkline_core::Result<Option<Verifier>> {
    trunkline_core::parse::value::<Verify>(keys, "")?.open()
}

fn verifier(keys: Value) -> Verifier {
    open(keys).unwrap().unwrap()
}

fn hex(key: &str, text: &str) -> String {
    Output::Hex
        .write(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes()).as_ref())
}

fn check(
    verifier: &Verifier,
    pairs: &[(&'static str, String)],
    body: &str,
    at: u64,
) -> Result<Verified, Refusal> {
    let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let webhook = Webhook {
        method: &Method::POST,
        url: "https://h.example/hooks/a?b=c",
        headers: &headers,
        body: body.as_bytes(),
    };
    verifier.verify(&webhook, SystemTime::UNIX_EPOCH + Duration::from_secs(at))
}

fn stripe(secret: &str, at: u64) -> Vec<(&'static str, String)> {
    vec![("stripe-signature", format!("t={at},v1={}", hex(secret, &format!("{at}.{{}}"))))]
}

#[test]
fn time_counts_in_both_directions_and_tolerance_is_configurable() {
    let usual = verifier(json!({"type": "stripe", "secret": "s"}));
    let strict = verifier(json!({"type": "stripe", "secret": "s", "tolerance": 10}));
    for (verifier, now, passes) in [
        (&usual, AT, true),
        (&usual, AT + 300, true),
        (&usual, AT + 301, false),
        (&usual, AT - 300, true),
        (&usual, AT - 301, false),
        (&strict, AT + 10, true),
        (&strict, AT + 11, false),
        (&strict, AT - 11, false),
    ] {
        let checked = check(verifier, &stripe("s", AT), "{}", now);
        assert_eq!(checked.is_ok(), passes, "{now}: {checked:?}");
        assert!(passes || matches!(checked, Err(Refusal::Stale(_))));
    }
}

#[test]
fn any_secret_does_while_it_is_replaced_and_any_signature_of_several() {
    let rolled = verifier(json!({"type": "stripe", "secret": "new", "old_secrets": ["old", "older"]}));
    for (secret, passes) in [("new", true), ("old", true), ("older", true), ("oldest", false), ("", false)] {
        assert_eq!(check(&rolled, &stripe(secret, AT), "{}", AT).is_ok(), passes, "{secret}");
    }
    let text = format!("{AT}.{{}}");
    let one = verifier(json!({"type": "stripe", "secret": "s"}));
    let several = |signatures: String| [("stripe-signature", format!("t={AT},{signatures}"))];
    for (signatures, passes) in [
        (format!("v1={},v1={},v0=x", hex("other", &text), hex("s", &text)), true),
        (format!("v0={}", hex("s", &text)), false),
        (format!("v1={},v1=", hex("other", &text)), false),
        ("v1".to_owned(), false),
        (format!(" v1={}", hex("s", &text)), true),
    ] {
        assert_eq!(check(&one, &several(signatures.clone()), "{}", AT).is_ok(), passes, "{signatures}");
    }
    assert!(matches!(check(&one, &[], "{}", AT), Err(Refusal::Unsigned(_))));
    let timeless = [("stripe-signature", format!("v1={}", hex("s", &text)))];
    assert!(matches!(check(&one, &timeless, "{}", AT), Err(Refusal::Unsigned(_))));
}

#[test]
fn a_glance_at_the_head_tells_what_cannot_be_signed_and_keeps_out_nothing_that_is() {
    let glance = |verifier: &Verifier, url: &str, signed: &[(&'static str, String)], at: u64| {
        let mut headers = HeaderMap::new();
        for (name, value) in signed {
            headers.insert(*name, value.parse().unwrap());
        }
        let webhook = Webhook { method: &Method::POST, url, headers: &headers, body: b"not looked at" };
        verifier.glance(&webhook, SystemTime::UNIX_EPOCH + Duration::from_secs(at))
    };
    let url = "https://h.example/hooks/a";
    let one = verifier(json!({"type": "stripe", "secret": "s"}));
    // Whatever the body: whether it was signed with a secret of ours nobody can tell yet.
    assert!(
        glance(&one, url, &stripe("s", AT), AT).is_ok() && glance(&one, url, &stripe("x", AT), AT).is_ok()
    );
    assert!(matches!(glance(&one, url, &[], AT), Err(Refusal::Unsigned(_))));
    assert!(matches!(glance(&one, url, &stripe("s", AT), AT + 400), Err(Refusal::Stale(400))));
    let old = [("stripe-signature", format!("t={AT},v0=00"))];
    assert!(matches!(glance(&one, url, &old, AT), Err(Refusal::Wrong)));

    let twilio = verifier(json!({"type": "twilio", "secret": "s"}));
    let sign = ("x-twilio-signature", "00".to_owned());
    let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
    assert!(glance(&twilio, url, &[sign.clone(), form.clone()], AT).is_ok());
    assert!(matches!(glance(&twilio, url, &[form], AT), Err(Refusal::Unsigned(_))));
    assert!(matches!(glance(&twilio, url, std::slice::from_ref(&sign), AT), Err(Refusal::Unsigned(_))));
    assert!(glance(&twilio, &format!("{url}?bodySHA256=00"), &[sign], AT).is_ok());

    for (keys, name) in [
        (json!({"type": "hubspot"}), "x-hubspot-signature-v3"),
        (json!({"type": "standard"}), "webhook-signature"),
        (json!({"type": "hmac", "header": "x-sig", "prefix": "v0="}), "x-sig"),
    ] {
        let mut keys = keys;
        keys["secret"] = "s".into();
        let verifier = verifier(keys);
        let signed = [
            (name, if name == "webhook-signature" { "v1,00" } else { "v0=00" }.to_owned()),
            ("x-hubspot-request-timestamp", format!("{AT}000")),
            ("webhook-id", "1".to_owned()),
            ("webhook-timestamp", AT.to_string()),
        ];
        assert!(glance(&verifier, url, &signed, AT).is_ok(), "{name}");
        assert!(glance(&verifier, url, &signed[1..], AT).is_err(), "{name}");
    }
}

#[test]
fn any_other_hmac_is_described() {
    let github = verifier(json!({
        "type": "hmac", "secret": "s", "header": "X-Hub-Signature-256", "prefix": "sha256=",
    }));
    let signed = |value: String| vec![("x-hub-signature-256", value)];
    assert!(check(&github, &signed(format!("sha256={}", hex("s", "{}"))), "{}", AT).is_ok());
    assert!(check(&github, &signed(format!("sha256={}", hex("s", "{}").to_uppercase())), "{}", AT).is_ok());
    for value in [hex("s", "{}"), "sha256=".to_owned(), format!("sha1={}", hex("s", "{}"))] {
        assert!(matches!(check(&github, &signed(value), "{}", AT), Err(Refusal::Wrong)));
    }
    let slack = verifier(json!({
        "type": "hmac", "secret": "s", "header": "X-Slack-Signature", "prefix": "v0=",
        "sign": "v0:{header:X-Slack-Request-Timestamp}:{body}", "timestamp_header": "X-Slack-Request-Timestamp",
    }));
    let signed = |at: u64| {
        let signature = format!("v0={}", hex("s", &format!("v0:{at}:{{}}")));
        vec![("x-slack-signature", signature), ("x-slack-request-timestamp", at.to_string())]
    };
    assert!(check(&slack, &signed(AT), "{}", AT).is_ok());
    assert!(matches!(check(&slack, &signed(AT), "{}", AT + 400), Err(Refusal::Stale(400))));
    assert!(matches!(check(&slack, &signed(AT)[..1], "{}", AT), Err(Refusal::Unsigned(_))));
    let base64 = verifier(json!({
        "type": "hmac", "secret": "6b6579", "secret_encoding": "hex", "algorithm": "sha512", "output": "base64",
        "header": "X-Sig", "sign": "{method} {url} {body}",
    }));
    let key = hmac::Key::new(hmac::HMAC_SHA512, b"key");
    let text = b"POST https://h.example/hooks/a?b=c {}";
    let signed = [("x-sig", Output::Base64.write(hmac::sign(&key, text).as_ref()))];
    assert!(check(&base64, &signed, "{}", AT).is_ok());
    assert!(check(&base64, &signed, "{ }", AT).is_err());
}

#[test]
fn what_is_the_same_to_the_signature_has_the_same_digest() {
    let verifier = verifier(json!({"type": "twilio", "secret": "s"}));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"s");
    let signature = hmac::sign(&key, b"https://h.example/hooks/a?b=ca1b 2");
    let pairs = [
        ("x-twilio-signature", Output::Base64.write(signature.as_ref())),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned()),
    ];
    let digest = |body: &str| check(&verifier, &pairs, body, AT).unwrap().digest;
    assert_eq!(digest("a=1&b=+2"), digest("b=%202&a=1"), "another spelling is no other event");
    // A body of another type is not what was signed, whatever it says.
    let other = [pairs[0].clone(), ("content-type", "application/json".to_owned())];
    assert!(matches!(check(&verifier, &other, "a=1&b=+2", AT), Err(Refusal::Unsigned(_))));
}

#[test]
fn what_would_prove_nothing_is_refused_by_the_name_of_its_key() {
    for (keys, word) in [
        (json!({"type": "hmac", "secret": "s"}), "header"),
        (json!({"type": "hmac", "secret": "s", "header": "a b"}), "header"),
        (json!({"type": "hmac", "secret": "s", "header": "x", "sign": "{timestamp}.{body}"}), "sign"),
        (json!({"type": "hmac", "secret": "s", "header": "x", "sign": "{value:a}{body}"}), "sign"),
        (json!({"type": "hmac", "secret": "s", "header": "x", "sign": "{url}"}), "sign"),
        (
            json!({"type": "hmac", "secret": "s", "header": "x", "timestamp_header": "x-ts"}),
            "timestamp_header",
        ),
        (json!({"type": "stripe", "secret": "s", "header": "x"}), "header"),
        (json!({"type": "stripe", "secrt": "s"}), "secret"),
        (json!({"type": "strip", "secret": "s"}), "stripe"),
    ] {
        let error = open(keys.clone()).unwrap_err();
        assert!(error.message().contains(word), "{keys}: {error}");
    }
    assert!(open(json!({"type": "stripe"})).unwrap().is_none());
}

#[test]
fn a_secret_that_cannot_be_read_is_no_wrong_signature() {
    for keys in [
        json!({"type": "stripe", "secret": "${env:NO_SUCH_VARIABLE}"}),
        json!({"type": "stripe", "secret": ""}),
    ] {
        let refused = check(&verifier(keys), &stripe("s", AT), "{}", AT).unwrap_err();
        assert!(matches!(refused, Refusal::Unready(_)), "{refused}");
    }
}

/// The public key of the first test of RFC 8032 section 7.1, and what its private key signs of `msg_1.1700000000.{}`, as
/// Python's cryptography has it.
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const SIGNED: &str =
    "v1a,iUiiV4ZCeCQUD1WuapVgCy/8W8IS3lTY7fbJz7wNsiiLPazoIGCPralTwRyETD17+pAl2n7MJ86yauo9xOpNBg==";

#[test]
fn a_public_key_checks_what_its_private_key_has_signed_and_is_no_secret() {
    let sent = |signatures: String| {
        [
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", AT.to_string()),
            ("webhook-signature", signatures),
        ]
    };
    let public = verifier(json!({"type": "standard", "secret": PUBLIC}));
    let verified = check(&public, &sent(SIGNED.to_owned()), "{}", AT).unwrap();
    assert_eq!(verified.id.as_deref(), Some("msg_1"));
    assert!(matches!(check(&public, &sent(SIGNED.to_owned()), "{}", AT + 301), Err(Refusal::Stale(301))));
    assert!(matches!(check(&public, &sent(SIGNED.to_owned()), "{ }", AT), Err(Refusal::Wrong)));

    // Who knows the public key can sign nothing with it.
    let hmac_with = |key: &[u8]| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("msg_1.{AT}.{{}}").as_bytes());
        format!("v1,{}", Output::Base64.write(tag.as_ref()))
    };
    let mut keys = vec![PUBLIC.as_bytes().to_vec(), PUBLIC.as_bytes()[5..].to_vec()];
    keys.push(Encoding::Base64.key(&Secret::new(&PUBLIC[5..])).unwrap().to_vec());
    for key in keys {
        assert!(matches!(check(&public, &sent(hmac_with(&key)), "{}", AT), Err(Refusal::Wrong)));
    }

    // A sender may change from one to the other.
    let both = verifier(json!({"type": "standard", "secret": PUBLIC, "old_secrets": ["whsec_c2VjcmV0"]}));
    for signatures in [hmac_with(b"secret"), format!("v1,AAAA {SIGNED}"), format!("v2,x {SIGNED}")] {
        check(&both, &sent(signatures.clone()), "{}", AT)
            .unwrap_or_else(|refusal| panic!("{refusal}: {signatures}"));
    }
    for secret in ["whpk_AAAA", "whpk_", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="] {
        let wrong = verifier(json!({"type": "standard", "secret": secret}));
        assert!(
            matches!(check(&wrong, &sent(SIGNED.to_owned()), "{}", AT), Err(Refusal::Unready(_))),
            "{secret}"
        );
    }
}
