use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use trunkline_core::{Egress, Profile, parse};

use super::*;

fn open(more: &Value) -> Result<Jwt> {
    let mut config = json!({ "algorithm": "HS256", "key": "hunter2-hunter2" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Jwt::open(parse::value(config, "")?, &Site::default())
}

fn context() -> Context {
    Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()))
}

async fn credential(scheme: &Jwt) -> Arc<Credential> {
    scheme.credential(&context()).await.unwrap().unwrap()
}

fn claims(credential: &Credential) -> Value {
    let (_, value) = credential.header().unwrap().unwrap();
    let token = value.to_str().unwrap().rsplit(' ').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_token_says_who_made_it_for_whom_and_for_how_long() {
    let scheme = open(&json!({
        "issuer": "me", "subject": "you", "audience": ["a", "b"], "lifetime": "10m", "backdate": 60,
        "claims": { "scope": "read", "level": 3, "deep": { "x": [1] } },
    }))
    .unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900);
    assert_eq!(
        Value::from(scheme.claims_at(now)),
        json!({
            "iss": "me", "sub": "you", "aud": ["a", "b"], "scope": "read", "level": 3, "deep": { "x": [1] },
            "iat": 1_699_999_940, "nbf": 1_699_999_940, "exp": 1_700_000_540,
        })
    );
    let scheme = open(&json!({ "audience": "a", "claims": { "nbf": null, "iat": null } })).unwrap();
    assert_eq!(Value::from(scheme.claims_at(now)), json!({ "aud": "a", "exp": 1_700_000_295 }));
    // A clock that was never set is no reason to fail.
    open(&json!({})).unwrap().claims_at(SystemTime::UNIX_EPOCH);
}

#[tokio::test]
async fn a_token_goes_where_the_configuration_says() {
    for (more, name, before) in [
        (json!({}), "authorization", "Bearer ey"),
        (json!({ "format": "JWT {token}" }), "authorization", "JWT ey"),
        (json!({ "header": "X-Token" }), "x-token", "ey"),
        (json!({ "header": "X-Token", "format": "t={token}" }), "x-token", "t=ey"),
    ] {
        let credential = credential(&open(&more).unwrap()).await;
        let (found, value) = credential.header().unwrap().unwrap();
        assert_eq!(found, name);
        assert!(value.to_str().unwrap().starts_with(before) && value.is_sensitive(), "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_shortly_before_its_end() {
    for (life, backdate, used) in [(300, 5, 265), (10, 2, 6), (4, 1, 2)] {
        let scheme = open(&json!({ "unique_id": true, "lifetime": life, "backdate": backdate })).unwrap();
        assert!(scheme.ready().is_none(), "none is made before it is needed");
        let first = credential(&scheme).await;
        tokio::time::advance(Duration::from_secs(used) - Duration::from_millis(1)).await;
        assert!(Arc::ptr_eq(&first, &scheme.ready().unwrap()));
        assert!(Arc::ptr_eq(&first, &credential(&scheme).await));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(scheme.ready().is_none());
        assert_ne!(claims(&first)["jti"], claims(&*credential(&scheme).await)["jti"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_in_a_while_and_no_newer_one() {
    let scheme = open(&json!({ "unique_id": true })).unwrap();
    let first = credential(&scheme).await;
    scheme.rejected(&first, &HeaderMap::new()).await;
    let second = credential(&scheme).await;
    assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
    scheme.rejected(&first, &HeaderMap::new()).await;
    assert!(Arc::ptr_eq(&second, &credential(&scheme).await), "somebody else was late to hear it");
    scheme.rejected(&second, &HeaderMap::new()).await;
    assert!(Arc::ptr_eq(&second, &credential(&scheme).await), "a third would not help");
    tokio::time::advance(FORCED).await;
    scheme.rejected(&second, &HeaderMap::new()).await;
    assert!(!Arc::ptr_eq(&second, &credential(&scheme).await));
}

#[tokio::test(start_paused = true)]
async fn a_key_in_a_file_is_waited_for_and_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let scheme = open(&json!({ "key": format!("${{file:{}}}", file.display()) })).unwrap();
    let error = scheme.credential(&context()).await.unwrap_err();
    assert!(error.message().starts_with("key: ${file:"), "{error}");
    std::fs::write(&file, "one").unwrap();
    let first = credential(&scheme).await;
    std::fs::write(&file, "two").unwrap();
    assert!(Arc::ptr_eq(&first, &credential(&scheme).await), "what was signed stays signed");
    scheme.rejected(&first, &HeaderMap::new()).await;
    assert_ne!(first.header().unwrap(), credential(&scheme).await.header().unwrap());
}

#[test]
fn a_configuration_that_cannot_work_names_its_key() {
    for (more, says) in [
        (json!({ "algorithm": "none" }), "algorithm: "),
        (json!({ "algorithm": "hs256" }), "algorithm: "),
        (json!({ "algorithm": "RS256" }), "key: is no PEM, but RS256"),
        (json!({ "algorithm": "ES256", "key_encoding": "base64" }), "key_encoding: is for a shared secret"),
        (json!({ "key": "" }), "key: must not be empty"),
        (json!({ "key": null }), "key: "),
        (json!({ "key_encoding": "hex" }), "key: is not hexadecimal"),
        (json!({ "key_encoding": "rot13" }), "key_encoding: "),
        (json!({ "token_header": { "alg": "none" } }), "token_header: alg: "),
        (json!({ "token_header": [] }), "token_header: "),
        (json!({ "claims": { "exp": 1 } }), "claims.exp: is said by lifetime"),
        (json!({ "claims": { "exp": null } }), "claims.exp: "),
        (json!({ "claims": { "iat": 1 } }), "claims.iat: "),
        (json!({ "claims": { "jti": "x" } }), "claims.jti: is said by unique_id"),
        (json!({ "claims": { "iss": "x" }, "issuer": "y" }), "claims.iss: is said by issuer too"),
        (json!({ "claims": "x" }), "claims: "),
        (json!({ "audience": 1 }), "audience: "),
        (json!({ "lifetime": 0 }), "lifetime: "),
        (json!({ "lifetime": 1 }), "lifetime: "),
        (json!({ "lifetime": 10, "backdate": 5 }), "lifetime: "),
        (json!({ "lifetime": "2 weeks" }), "lifetime: "),
        (json!({ "header": "X Y" }), "header: "),
        (json!({ "format": "Bearer" }), "format: "),
        (json!({ "format": "Bearer\n{token}" }), "format: "),
        (json!({ "isuer": "x" }), "unknown key `isuer`, did you mean `issuer`?"),
    ] {
        let error = open(&more).unwrap_err();
        assert!(error.message().starts_with(says), "{more}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
