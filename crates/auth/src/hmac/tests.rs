//! Schemes of vendors, with the examples that they publish.

use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::*;

/// 2023-11-14 22:13:20.123 UTC.
const NOW: Duration = Duration::from_millis(1_700_000_000_123);

fn read(config: Value) -> Result<Stamp> {
    parse::value::<Hmac>(config, "")?.read()
}

/// What is sent of a request: its URI and headers.
fn signed_at(
    now: Duration,
    nonce: &str,
    config: Value,
    method: &Method,
    uri: &str,
    body: Option<&[u8]>,
) -> Result<(String, HeaderMap)> {
    let (mut uri, mut headers) = (uri.parse::<Uri>().unwrap(), HeaderMap::new());
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.append("x-many", HeaderValue::from_static("a"));
    headers.append("x-many", HeaderValue::from_static("b"));
    let mut request = WireRequest { method, uri: &mut uri, headers: &mut headers, body };
    read(config)?.stamp(&mut request, SystemTime::UNIX_EPOCH + now, nonce)?;
    Ok((uri.to_string(), headers))
}

#[test]
fn standard_webhooks() {
    let config = json!({
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_encoding": "base64",
        "sign": "{nonce}.{timestamp}.{body}", "output": "base64",
        "headers": {
            "webhook-id": "{nonce}", "webhook-timestamp": "{timestamp}", "webhook-signature": "v1,{signature}",
        },
    });
    let (_, headers) = signed_at(
        Duration::from_secs(1_614_265_330),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        config,
        &Method::POST,
        "https://h/hook",
        Some(br#"{"test": 2432232314}"#),
    )
    .unwrap();
    assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert!(headers["webhook-signature"].is_sensitive());
}

#[test]
fn binance_signs_the_query_that_the_signature_ends() {
    let config = json!({
        "secret": "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        "key_id": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "sign": "{query}{body}",
        "query": { "timestamp": "{timestamp_ms}", "signature": "{signature}" },
        "headers": { "X-MBX-APIKEY": "{key_id}" },
    });
    let at = Duration::from_millis(1_499_827_319_559);
    let uri = "https://api.binance.com/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC\
        &quantity=1&price=0.1&recvWindow=5000";
    // What a caller sends by these names is not what is signed.
    for old in ["", "&signature=old", "&timestamp=1&%73ignature"] {
        let (sent, headers) =
            signed_at(at, "", config.clone(), &Method::POST, &format!("{uri}{old}"), Some(b"")).unwrap();
        assert_eq!(
            sent,
            format!(
                "{uri}&timestamp=1499827319559\
                &signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
            )
        );
        assert!(headers["x-mbx-apikey"].as_bytes().starts_with(b"vmPUZE6m"));
    }
}

#[test]
fn bybit_signs_with_the_id_of_the_key_in_front() {
    let config = json!({
        "secret": "sk", "key_id": "ak", "sign": "{timestamp_ms}{key_id}5000{query}{body}",
        "headers": {
            "X-BAPI-API-KEY": "{key_id}", "X-BAPI-TIMESTAMP": "{timestamp_ms}", "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": "{signature}",
        },
    });
    let uri = "https://h/v5/order/realtime?category=linear&symbol=BTCUSDT";
    let (_, headers) = signed_at(NOW, "", config, &Method::GET, uri, Some(b"")).unwrap();
    assert_eq!(headers["x-bapi-sign"], "83746e272f74e15ef4dcc89101e93ec360fb387d1b222960699480a7a756bffd");
    assert_eq!(headers["x-bapi-timestamp"], "1700000000123");
}

#[test]
fn coinbase_has_a_passphrase_beside_the_secret() {
    let config = json!({
        "secret": "c2VjcmV0LWtleQ==", "secret_encoding": "base64", "output": "base64", "key_id": "k",
        "values": { "passphrase": "open sesame" },
        "sign": "{timestamp}{method}{path_and_query}{body}",
        "headers": {
            "CB-ACCESS-KEY": "{key_id}", "CB-ACCESS-TIMESTAMP": "{timestamp}",
            "CB-ACCESS-PASSPHRASE": "{value:passphrase}", "CB-ACCESS-SIGN": "{signature}",
        },
    });
    let (_, headers) =
        signed_at(NOW, "", config, &Method::POST, "https://h/orders?x=1", Some(br#"{"size":"1"}"#)).unwrap();
    assert_eq!(headers["cb-access-sign"], "82u7ZkXzttoDKt1dYatQwyLtpmA3pbt+e0JrfTiUyig=");
    assert_eq!(headers["cb-access-passphrase"], "open sesame");
}

#[test]
fn headers_that_are_set_first_can_be_signed() {
    let config = json!({
        "algorithm": "sha512", "secret": "sk", "output": "base64",
        "sign": "date: {header:date}\nhost: {header:host}\ndigest: {header:digest}",
        "headers": {
            "Date": "{date}", "Digest": "SHA-256={body_sha256_base64}",
            "Authorization": "Signature keyId=\"k\",signature=\"{signature}\"",
        },
    });
    let (_, headers) =
        signed_at(NOW, "", config, &Method::PUT, "https://api.test:8443/", Some(b"hello")).unwrap();
    assert_eq!(headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!(
        headers["authorization"],
        "Signature keyId=\"k\",signature=\"eVVz19dQ70qaL51GsoGpuHJrcvCS6GmQ01jkX2Jl/HUfntPi4Jntw0vKO9Shu9mIfBr93fDlfMeP\
         +OCGkT/5rw==\""
    );
}

#[test]
fn every_placeholder_has_its_value() {
    let fill = |template: &str| {
        let config = json!({
            "secret": "s", "key_id": "k", "values": { "v": "w" }, "sign": "",
            "headers": { "X": template, "Y": "{signature}" },
        });
        let uri = "https://api.test:443/a%20b?c=d&e";
        let (_, headers) = signed_at(NOW, "nonce", config, &Method::PATCH, uri, Some(b"hello")).unwrap();
        headers["x"].to_str().unwrap().to_owned()
    };
    for (template, value) in [
        ("{method} {path}", "PATCH /a%20b"),
        ("{query}", "c=d&e"),
        ("{path_and_query}", "/a%20b?c=d&e"),
        ("{url}", "https://api.test:443/a%20b?c=d&e"),
        ("{host}", "api.test"),
        ("{timestamp}/{timestamp_ms}", "1700000000/1700000000123"),
        ("{timestamp_iso}", "2023-11-14T22:13:20.123Z"),
        ("{nonce}", "nonce"),
        ("{body}", "hello"),
        ("{body_sha256}", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        ("{body_sha256_base64}", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ("{key_id}{value:v}", "kw"),
        ("{header:content-type};{header:none};{header:X-Many}", "text/plain;;a, b"),
        ("{{{method}}}", "{PATCH}"),
    ] {
        assert_eq!(fill(template), value, "{template}");
    }
}

#[test]
fn the_hash_and_how_it_is_written_are_chosen() {
    let sign = |algorithm: &str, output: &str| {
        let config = json!({
            "algorithm": algorithm, "secret": "sk", "sign": "{timestamp_iso}", "output": output,
            "headers": { "X": "{signature}" },
        });
        signed_at(NOW, "", config, &Method::GET, "https://h/", None).unwrap().1["x"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(sign("sha1", "hex_upper"), "8AFDB946A2B0B1DE629F2A62BE53AC42E5267636");
    for (algorithm, length) in [("sha1", 40), ("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        assert_eq!(sign(algorithm, "hex").len(), length);
    }
    for (output, length) in [("base64", 28), ("base64url", 28), ("base64url_no_pad", 27)] {
        assert_eq!(sign("sha1", output).len(), length);
    }
}

#[test]
fn a_body_that_streams_can_only_go_unsigned() {
    let config = |sign: &str| json!({ "secret": "s", "sign": sign, "headers": { "X": "{signature}" } });
    let send = |sign: &str| signed_at(NOW, "", config(sign), &Method::PUT, "https://h/", None);
    send("{method}").unwrap();
    for sign in ["{body}", "{body_sha256}"] {
        assert!(send(sign).unwrap_err().message().contains("streams"));
    }
}

#[test]
fn a_configuration_that_cannot_work_names_its_key() {
    for (more, says) in [
        (json!({ "secret": "" }), "secret: must not be empty"),
        (json!({ "secret": null }), "secret: "),
        (json!({ "secret_encoding": "base64" }), "secret: is not base64"),
        (json!({ "secret_encoding": "hex" }), "secret: is not hexadecimal"),
        (json!({ "algorithm": "md5" }), "algorithm: "),
        (json!({ "output": "binary" }), "output: "),
        (
            json!({ "sign": "{metod}" }),
            "sign: unknown placeholder {metod}, did you mean {method}?; known: method",
        ),
        (json!({ "sign": "{signature}" }), "sign: has {signature}"),
        (json!({ "sign": "{key_id}" }), "sign: has {key_id}, but there is no key_id"),
        (json!({ "sign": "{body" }), "sign: has a lone {; write {{"),
        (json!({ "sign": "body}" }), "sign: has a lone }; write }}"),
        (json!({ "sign": "{header:x y}" }), "sign: has a header:"),
        (
            json!({ "values": { "pass": "hunter2!" }, "sign": "{value:pas}" }),
            "sign: has {value:…} of a name that is not in values, did you mean {value:pass}?",
        ),
        (json!({ "headers": {} }), "headers: none has {signature}"),
        (json!({ "headers": { "X": "{method}" } }), "headers: none has {signature}"),
        (json!({ "headers": { "X Y": "{signature}" } }), "headers.X Y: is not the name of a header"),
        (json!({ "headers": { "Host": "{signature}" } }), "headers.Host: is set by Trunkline"),
        (json!({ "headers": { "X": "{signature}\n" } }), "headers.X: must be one line"),
        (
            json!({ "headers": { "X": "{sgnature}" } }),
            "headers.X: unknown placeholder {sgnature}, did you mean {signature}?",
        ),
        (json!({ "query": { "": "{signature}" } }), "query: "),
        (json!({ "query": { "s": "{}" } }), "query.s: unknown placeholder {}"),
        (json!({ "sing": "{body}" }), "unknown key `sing`, did you mean `sign`?"),
    ] {
        let mut config = json!({ "secret": "hunter2!", "sign": "{body}", "headers": { "X": "{signature}" } });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = read(config).unwrap_err();
        assert!(error.message().starts_with(says), "{more}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_body_with_a_line_break_does_not_become_a_header() {
    let config = json!({ "secret": "s", "sign": "", "headers": { "X": "{body}", "Y": "{signature}" } });
    let error = signed_at(NOW, "", config, &Method::POST, "https://h/", Some(b"a\r\nb: c")).unwrap_err();
    assert!(error.message().starts_with("headers.x: "), "{error}");
}

#[test]
fn a_secret_in_a_file_is_read_for_each_request() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = json!({
        "secret": format!("${{file:{}}}", file.path().display()), "sign": "", "headers": { "X": "{signature}" },
    });
    let send = || signed_at(NOW, "", config.clone(), &Method::GET, "https://h/", None);
    assert!(send().unwrap_err().message().starts_with("secret: must not be empty"));
    std::fs::write(&file, "one").unwrap();
    let one = send().unwrap();
    std::fs::write(&file, "two").unwrap();
    assert_ne!(one, send().unwrap());
}
