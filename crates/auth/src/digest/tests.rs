//! The examples of the RFCs, and a server's side of a long conversation.

use http::{Method, Uri};
use serde_json::{Value, json};
use trunkline_core::{Egress, Profile, parse};

use super::*;

fn account(username: &str, password: &str) -> DigestConfig {
    DigestConfig { username: Secret::new(username), password: Secret::new(password) }
}

fn challenge(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::WWW_AUTHENTICATE, text.parse().unwrap())])
}

fn sign(signer: &dyn Sign, method: &Method, uri: &str, body: Option<&[u8]>) -> Result<Option<String>> {
    let (mut uri, mut headers) = (uri.parse::<Uri>().unwrap(), HeaderMap::new());
    headers.insert(header::AUTHORIZATION, "Bearer of-the-caller".parse().unwrap());
    signer.sign(&mut WireRequest { method, uri: &mut uri, headers: &mut headers, body })?;
    Ok(headers.get(header::AUTHORIZATION).map(|value| {
        assert!(value.is_sensitive());
        String::from_utf8(value.as_bytes().to_vec()).unwrap()
    }))
}

/// What a scheme sends with a request.
fn sent(scheme: &Digest) -> Option<String> {
    let credential = scheme.ready().unwrap();
    let Form::Sign(signer) = credential.form() else { panic!("it signs") };
    sign(&**signer, &Method::GET, "http://h/a?b=c", Some(b"")).unwrap()
}

/// A parameter of an answer.
fn param<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer.split_once(&format!(" {name}=")).unwrap();
    rest.split(',').next().unwrap().trim_matches('"')
}

#[test]
fn answers_are_those_of_the_rfcs() {
    let mufasa = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    let jason = "realm=\"api@example.org\", qop=\"auth\", charset=UTF-8, userhash=true, \
        nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\"";
    let old = "realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
        opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    for (params, algorithm, account, uri, cnonce, username, response) in [
        // RFC 7616 section 3.9.1.
        (
            mufasa,
            "MD5",
            account("Mufasa", "Circle of Life"),
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "Mufasa",
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            mufasa,
            "SHA-256",
            account("Mufasa", "Circle of Life"),
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "Mufasa",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        // Section 3.9.2, as erratum 4897 corrects it.
        (
            jason,
            "SHA-512-256",
            account("J\u{e4}s\u{f8}n Doe", "Secret, or not?"),
            "/doe.json",
            "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
        ),
        // RFC 2617 section 3.5.
        (
            old,
            "MD5",
            account("Mufasa", "Circle Of Life"),
            "/dir/index.html",
            "0a4f113b",
            "Mufasa",
            "6629fae49393a05397450978507c4ef1",
        ),
    ] {
        let found =
            Challenge::strongest(&challenge(&format!("Digest {params}, algorithm={algorithm}"))).unwrap();
        let answer = Answer::with_nonce(account, found, cnonce);
        let header = sign(&answer, &Method::GET, &format!("http://h{uri}"), None).unwrap().unwrap();
        assert_eq!(param(&header, "response"), response, "{algorithm}");
        assert!(header.starts_with(&format!("Digest username=\"{username}\"")), "{header}");
        assert_eq!((param(&header, "nc"), param(&header, "uri")), ("00000001", uri));
        assert_eq!(param(&header, "algorithm"), algorithm);
    }
}

#[test]
fn a_session_a_body_and_the_oldest_form_are_answered_as_a_server_computes_them() {
    let answer = |params: &str, body: Option<&[u8]>| {
        let found =
            Challenge::strongest(&challenge(&format!("Digest realm=\"r\", nonce=\"n\"{params}"))).unwrap();
        sign(&Answer::with_nonce(account("u", "p"), found, "c"), &Method::PUT, "http://h/x", body)
    };
    // Computed with Python's hashlib.
    for (params, response) in [
        ("", "291de1356b2c3aabfd9d3dcab38bcd44"),
        (", qop=\"auth\", algorithm=MD5-sess", "5b3ac3a368d673e60e728dcf1e71c9b6"),
        (
            ", qop=\"auth\", algorithm=SHA-256-sess",
            "af8569b1e243a8a4f17ff597763da7a17af3e1d9095892b986329bab1d61a231",
        ),
        (", qop=\"auth-int\"", "96d9d8253d426f4928a00e44443a3279"),
    ] {
        let header = answer(params, Some(b"hello")).unwrap().unwrap();
        assert_eq!(param(&header, "response"), response, "{params}");
        assert_eq!(header.contains(" nc="), !params.is_empty(), "{header}");
    }
    assert!(answer(", qop=\"auth-int\"", None).unwrap_err().message().contains("streams"));
    assert!(answer(", qop=\"auth\"", None).unwrap().is_some());
}

#[test]
fn names_are_quoted_or_encoded_so_that_they_stay_one() {
    for (name, says) in
        [("a\"b\\", r#"username="a\"b\\", "#), ("J\u{e4}s\u{f8}n", "username*=UTF-8''J%C3%A4s%C3%B8n, ")]
    {
        let found =
            Challenge::strongest(&challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")).unwrap();
        let answer = Answer::new(Arc::new(account(name, "p")), found);
        let header = sign(&answer, &Method::GET, "http://h/", None).unwrap().unwrap();
        assert!(header.starts_with(&format!("Digest {says}")), "{header}");
    }
    let found = Challenge::strongest(&challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")).unwrap();
    let answer = Answer::new(Arc::new(account("a\r\nb: c", "p")), found);
    assert!(sign(&answer, &Method::GET, "http://h/", None).unwrap_err().message().contains("username"));
}

#[tokio::test]
async fn a_nonce_is_used_again_until_the_service_has_another() {
    let scheme = Digest::open(account("u", "p"), &Site::default()).unwrap();
    assert_eq!(sent(&scheme), None, "the first request goes without, and without the caller's own");
    let bare = scheme.ready().unwrap();
    scheme.rejected(&bare, &challenge("Digest realm=\"r\", nonce=\"one\", qop=\"auth\"")).await;
    for count in ["00000001", "00000002", "00000003"] {
        let answer = sent(&scheme).unwrap();
        assert_eq!((param(&answer, "nonce"), param(&answer, "nc")), ("one", count));
    }
    // Another call that went without: what it hears is late.
    scheme.rejected(&bare, &challenge("Digest realm=\"r\", nonce=\"other\", qop=\"auth\"")).await;
    assert_eq!(param(&sent(&scheme).unwrap(), "nonce"), "one");

    let answered = scheme.ready().unwrap();
    let stale = "Digest realm=\"r\", nonce=\"two\", qop=\"auth\", stale=true";
    scheme.rejected(&answered, &challenge(stale)).await;
    let answer = sent(&scheme).unwrap();
    assert_eq!((param(&answer, "nonce"), param(&answer, "nc")), ("two", "00000001"));

    let current = scheme.ready().unwrap();
    scheme.rejected(&current, &challenge("Basic realm=\"r\"")).await;
    let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
    let same = scheme.credential(&context).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&same, &current), "nothing better is to be had");
}

#[test]
fn a_configuration_that_cannot_work_names_its_key() {
    for (more, says) in [
        (json!({ "username": "" }), "username: must not be empty"),
        (json!({ "username": "a:b" }), "username: a colon"),
        (json!({ "username": null }), "username: "),
        (json!({ "password": 1 }), "password: "),
        (json!({ "pasword": "hunter2" }), "unknown key `pasword`, did you mean `password`?"),
    ] {
        let mut config = json!({ "username": "u", "password": "hunter2" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let open = |config: Value| {
            parse::value::<DigestConfig>(config, "").and_then(|config| Digest::open(config, &Site::default()))
        };
        let error = open(config).unwrap_err();
        assert!(error.message().starts_with(says), "{more}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
