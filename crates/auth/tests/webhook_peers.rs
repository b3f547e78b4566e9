//! Webhooks against the vendors' own libraries, which sign and check them: what they accept is accepted, and what they refuse
//! is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::SystemTime;

use http::{HeaderMap, Method, header};
use serde_json::{Value, json};
use trunkline_auth::{Refusal, Verified, Verifier, Verify, Webhook};
use trunkline_testkit::Signers;

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn verifier(hook: &Value) -> Verifier {
    let keys = match hook["vendor"].as_str() {
        // As the connector has it.
        Some("slack") => json!({
            "type": "hmac", "secret": hook["secret"], "header": "X-Slack-Signature", "prefix": "v0=",
            "sign": "v0:{header:X-Slack-Request-Timestamp}:{body}", "timestamp_header": "X-Slack-Request-Timestamp",
        }),
        _ => json!({"type": hook["vendor"], "secret": hook["secret"]}),
    };
    serde_json::from_value::<Verify>(keys).unwrap().open().unwrap().unwrap()
}

fn checked(hook: &Value, verifier: &Verifier) -> Result<Verified, Refusal> {
    let text = |key: &str| hook[key].as_str().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, text("content_type").parse().unwrap());
    for (name, value) in hook["headers"].as_object().unwrap() {
        headers.insert(name.parse::<header::HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap());
    }
    let webhook =
        Webhook { method: &Method::POST, url: text("url"), headers: &headers, body: text("body").as_bytes() };
    verifier.verify(&webhook, SystemTime::now())
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Of each vendor a webhook as it is sent.
fn hooks() -> Vec<Value> {
    let body = r#"{"id":"evt_1","type":"charge.succeeded","n":1.50,"name":"Zoë ✓"}"#;
    let of = |vendor: &str, secret: &str, url: &str, kind: &str, body: &str| json!({"vendor": vendor, "secret": secret, "url": url, "content_type": kind, "body": body, "at": now()});
    let url = "https://hooks.example.com/tl/hooks/a";
    let hash = "https://hooks.example.com/hooks/a?bodySHA256=";
    let hash = format!("{hash}{}", trunkline_auth::hash(body.as_bytes()));
    vec![
        of("stripe", "whsec_abc", url, JSON, body),
        of("stripe", "whsec_abc", url, JSON, ""),
        of("hubspot", "client secret", url, JSON, &format!("[{body}]")),
        of("hubspot", "client secret", &format!("{url}?a=b&c=%20d"), JSON, body),
        of("slack", "8f742231b10e8888abcd99yyyzzz85a5", url, JSON, body),
        of("slack", "8f742231b10e8888abcd99yyyzzz85a5", url, FORM, "payload=%7B%7D&text=a+b"),
        of("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", url, JSON, body),
        of("standard", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", url, "text/plain", "a text"),
        of("twilio", "token", url, FORM, "To=%2B15551&Body=a+b%26c&Empty=&MessageSid=SM1"),
        // Several values of a name, and names that sort by their bytes.
        of("twilio", "token", url, FORM, "b=2&a=1&B=3&a=0&a=1&a%C3%A9=%E2%9C%93"),
        of("twilio", "token", "https://hooks.example.com:8443/hooks/a?x=1&y=%20", FORM, "a=1"),
        of("twilio", "token", &hash, JSON, body),
    ]
}

#[test]
fn sdk_of_each_vendor_signs_what_is_accepted() {
    let mut libraries = Signers::start();
    for hook in hooks() {
        let hook = libraries.signed(hook);
        assert!(libraries.accepts(&hook), "{hook}");
        let verified = checked(&hook, &verifier(&hook)).unwrap_or_else(|refusal| panic!("{refusal}: {hook}"));
        assert_eq!(verified.digest.len(), 64);
        assert_eq!(verified.id.as_deref(), (hook["vendor"] == "standard").then_some("msg_1"), "{hook}");
    }
}

#[test]
fn sdk_of_each_vendor_refuses_what_is_refused() {
    let mut libraries = Signers::start();
    for hook in hooks() {
        let hook = libraries.signed(hook);
        let mut changed = Vec::new();
        let mut change = |key: &str, value: Value| {
            let mut other = hook.clone();
            other[key] = value;
            changed.push(other);
        };
        let body = hook["body"].as_str().unwrap();
        change("body", format!("{body}x=1").into());
        change("body", format!("x{body}").into());
        change("secret", if hook["vendor"] == "standard" { "AAAA".into() } else { "another".into() });
        if matches!(hook["vendor"].as_str(), Some("twilio" | "hubspot")) {
            change("url", "https://hooks.example.com/hooks/b".into());
            change("url", format!("{}&z=1", hook["url"].as_str().unwrap()).into());
        }
        for name in hook["headers"].as_object().unwrap().keys() {
            let mut headers = hook["headers"].clone();
            let value = headers[name].as_str().unwrap();
            // Its last sign but padding, which has another value.
            let at = value.trim_end_matches('=').len() - 2;
            let sign = if &value[at..=at] == "1" { "2" } else { "1" };
            headers[name] = format!("{}{sign}{}", &value[..at], &value[at + 1..]).into();
            change("headers", headers);
        }
        for hook in changed {
            assert!(!libraries.accepts(&hook), "{hook}");
            let refused = checked(&hook, &verifier(&hook)).unwrap_err();
            assert!(matches!(refused, Refusal::Wrong | Refusal::Unsigned(_)), "{refused}: {hook}");
        }
    }
}

#[test]
fn sdk_of_each_vendor_has_no_patience_with_what_is_old_and_we_have_none_with_the_future_either() {
    let mut libraries = Signers::start();
    for mut hook in hooks() {
        if hook["vendor"] == "twilio" {
            continue;
        }
        hook["at"] = (now() - 400).into();
        let old = libraries.signed(hook.clone());
        assert!(!libraries.accepts(&old), "{old}");
        assert!(matches!(checked(&old, &verifier(&old)), Err(Refusal::Stale(400..))), "{old}");
        hook["at"] = (now() + 400).into();
        let early = libraries.signed(hook.clone());
        assert!(matches!(checked(&early, &verifier(&early)), Err(Refusal::Stale(..=-395))), "{early}");
        // Within tolerance, on either side.
        for at in [now() - 250, now() + 250] {
            hook["at"] = at.into();
            let hook = libraries.signed(hook.clone());
            checked(&hook, &verifier(&hook)).unwrap();
        }
    }
}
