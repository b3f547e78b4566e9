//! Amazon's own test suite, as it comes with its crate, and S3's rules with the examples of S3's documentation.

use std::{path::PathBuf, process::Command, time::Duration};

use http::{Method, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use trunkline_core::parse;

use super::*;

/// `date`, with the time in UTC.
fn at(date: &str) -> SystemTime {
    date.parse::<jiff::Timestamp>().unwrap().into()
}

/// Where the sources of Amazon's crate are.
fn suite() -> PathBuf {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let crate_ = packages.iter().find(|package| package["name"] == "aws-sigv4").unwrap();
    PathBuf::from(crate_["manifest_path"].as_str().unwrap()).with_file_name("aws-signing-test-suite/v4")
}

/// What stands unencoded in requests of the suite.
const SPACES: &AsciiSet = &CONTROLS.add(b' ');

/// A request as it is written in the suite; `None` where it is none that our types can hold.
fn request(text: &str) -> Option<(Method, Uri, HeaderMap, String)> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let (method, target) = lines.next()?.rsplit_once(' ')?.0.split_once(' ')?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
    }
    let host = headers.remove(header::HOST)?;
    // As it goes over the wire.
    let target = utf8_percent_encode(target, SPACES);
    let uri = format!("https://{}{target}", host.to_str().ok()?).parse().ok()?;
    Some((method.parse().ok()?, uri, headers, body.to_owned()))
}

#[test]
fn every_request_of_amazons_suite_is_signed_as_it_says() {
    let (mut signed, mut passed_over) = (0, Vec::new());
    for folder in suite().read_dir().unwrap() {
        let folder = folder.unwrap().path();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        // Two folders are for tests of the crate's own.
        let Ok(context) = std::fs::read_to_string(folder.join("context.json")) else { continue };
        let context: Value = serde_json::from_str(&context).unwrap();
        let Some((method, uri, headers, body)) = request(&read("request.txt")) else {
            passed_over.push(name);
            continue;
        };
        // Some services want the token added to what was signed. Ours sign it.
        if context["omit_session_token"] == true {
            passed_over.push(name);
            continue;
        }
        for presign in [None, context["expiration_in_seconds"].as_u64()] {
            let key = |key: &str| context["credentials"][key].clone();
            let mut signature = parse::value::<AwsSigV4>(
                json!({
                    "access_key_id": key("access_key_id"), "secret_access_key": key("secret_access_key"),
                    "session_token": key("token"), "region": context["region"], "service": context["service"],
                    "presign": presign,
                }),
                "",
            )
            .unwrap()
            .read()
            .unwrap();
            let normalize = context["normalize"] == true;
            signature.settings.uri_path_normalization_mode = normalize.into();
            if context["sign_body"] == true {
                signature.settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            }
            // These speak of a service that encodes once, as S3 does.
            if ["get-space-normalized", "get-space-unnormalized", "get-utf8"].contains(&&*name) {
                signature.settings.percent_encoding_mode = PercentEncodingMode::Single;
            }
            let (mut uri, mut headers) = (uri.clone(), headers.clone());
            let mut wire = WireRequest {
                method: &method,
                uri: &mut uri,
                headers: &mut headers,
                body: Some(body.as_bytes()),
            };
            signature.sign_at(&mut wire, at(context["timestamp"].as_str().unwrap())).unwrap();
            if presign.is_some() {
                let expected = read("query-signature.txt");
                assert!(
                    uri.query().unwrap().contains(&format!("X-Amz-Signature={}", expected.trim())),
                    "{name}: {uri}"
                );
            } else {
                let expected = format!("Signature={}", read("header-signature.txt").trim());
                let found = headers[header::AUTHORIZATION].to_str().unwrap();
                assert!(found.ends_with(&expected), "{name}: {found}");
                assert!(headers[header::AUTHORIZATION].is_sensitive());
            }
            signed += 1;
        }
    }
    passed_over.sort();
    // A header of several lines (obsolete since RFC 7230) cannot be held.
    assert_eq!(passed_over, ["get-header-value-multiline", "post-sts-header-after"]);
    assert_eq!(signed, 2 * 36);
}

/// The key of S3's documentation, "Authenticating Requests: Using the Authorization Header" and "… Query Parameters".
fn s3(presign: Option<u64>) -> Signature {
    let config = json!({
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "region": "us-east-1", "service": "s3", "presign": presign,
    });
    parse::value::<AwsSigV4>(config, "").unwrap().read().unwrap()
}

/// The headers and URI of a request to the bucket of the documentation, on its day.
fn send(
    signature: &Signature,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> (HeaderMap, Uri) {
    let mut uri: Uri = format!("https://examplebucket.s3.amazonaws.com{path}").parse().unwrap();
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let mut wire = WireRequest { method, uri: &mut uri, headers: &mut all, body };
    signature.sign_at(&mut wire, at("2013-05-24T00:00:00Z")).unwrap();
    (all, uri)
}

#[test]
fn s3_signs_as_its_documentation_shows() {
    for (method, path, headers, body, signature) in [
        (
            Method::GET,
            "/test.txt",
            &[
                ("range", "bytes=0-9"),
                ("accept-encoding", "gzip"),
                ("user-agent", "x"),
                ("traceparent", "00"),
            ][..],
            "",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            Method::PUT,
            "/test%24file.text",
            &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            "Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            Method::GET,
            "/?lifecycle",
            &[("authorization", "Bearer of-the-caller"), ("x-amz-date", "20000101T000000Z")],
            "",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            Method::GET,
            "/?max-keys=2&prefix=J",
            &[],
            "",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let (sent, _) = send(&s3(None), &method, path, headers, Some(body.as_bytes()));
        let found = sent[header::AUTHORIZATION].to_str().unwrap();
        assert!(found.ends_with(signature), "{path}: {found}");
    }
    let (_, uri) = send(&s3(Some(86_400)), &Method::GET, "/test.txt?X-Amz-Signature=old", &[], Some(b""));
    let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert!(uri.query().unwrap().ends_with(&format!("X-Amz-Signature={signature}")), "{uri}");
}

#[test]
fn a_body_that_streams_goes_unsigned_to_s3_and_nowhere_else() {
    let (headers, _) = send(&s3(None), &Method::PUT, "/a", &[], None);
    assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    let other = Signature { unsigned_body: false, ..s3(None) };
    let (method, mut uri, mut headers) = (Method::PUT, Uri::from_static("https://h/"), HeaderMap::new());
    let mut wire = WireRequest { method: &method, uri: &mut uri, headers: &mut headers, body: None };
    assert!(other.sign(&mut wire).unwrap_err().message().contains("streams"));
}

#[test]
fn a_token_goes_along_and_everything_that_is_added_is_sensitive() {
    let token = Signature { session_token: Some(Secret::new("hunter2")), ..s3(None) };
    let (headers, _) =
        send(&token, &Method::GET, "/a", &[("x-amz-security-token", "of-the-caller")], Some(b""));
    assert_eq!(headers["x-amz-security-token"], "hunter2");
    assert!(headers.values().all(HeaderValue::is_sensitive));
    assert!(!format!("{token:?}").contains("hunter2"));
    let (headers, _) =
        send(&s3(None), &Method::GET, "/a", &[("x-amz-security-token", "of-the-caller")], Some(b""));
    assert!(!headers.contains_key("x-amz-security-token"));
    let presigned = Signature { session_token: Some(Secret::new("hunter2")), ..s3(Some(60)) };
    let (headers, uri) = send(&presigned, &Method::GET, "/a", &[], Some(b""));
    assert!(headers.is_empty() && uri.query().unwrap().contains("X-Amz-Security-Token=hunter2"), "{uri}");
}

#[test]
fn keys_in_files_are_read_for_each_request() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut signature = s3(None);
    signature.secret_access_key = Secret::new(format!("${{file:{}}}", file.path().display()));
    let (method, mut uri, mut headers) = (Method::GET, Uri::from_static("https://h/"), HeaderMap::new());
    let mut wire = WireRequest { method: &method, uri: &mut uri, headers: &mut headers, body: Some(b"") };
    let mut sign = |time: u64| {
        signature.sign_at(&mut wire, SystemTime::UNIX_EPOCH + Duration::from_secs(time))?;
        Ok::<_, Error>(wire.headers[header::AUTHORIZATION].clone())
    };
    assert!(sign(1).unwrap_err().message().starts_with("secret_access_key: must be one word"));
    std::fs::write(&file, "one\n").unwrap();
    let one = sign(1).unwrap();
    std::fs::write(&file, "two").unwrap();
    assert_ne!(one, sign(1).unwrap());
}

#[test]
fn a_configuration_that_cannot_work_names_its_key() {
    for (more, says) in [
        (json!({ "access_key_id": "" }), "access_key_id: must be one word"),
        (json!({ "secret_access_key": "hunter2 " }), "secret_access_key: must be one word"),
        (json!({ "secret_access_key": "hunter2\n" }), "secret_access_key: must be one word"),
        (json!({ "secret_access_key": null }), "secret_access_key: "),
        (json!({ "session_token": "" }), "session_token: must be one word"),
        (json!({ "region": "" }), "region: "),
        (json!({ "region": "eu central" }), "region: "),
        (json!({ "service": "https://s3.amazonaws.com" }), "service: "),
        (json!({ "service": 3 }), "service: "),
        (json!({ "presign": 0 }), "presign: "),
        (json!({ "presign": 1.5 }), "presign: must be whole seconds"),
        (
            json!({ "secret_acces_key": "hunter2" }),
            "unknown key `secret_acces_key`, did you mean `secret_access_key`?",
        ),
    ] {
        let mut config = json!({
            "access_key_id": "AKID", "secret_access_key": "hunter2", "region": "eu-central-1", "service": "s3",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = parse::value::<AwsSigV4>(config, "").and_then(AwsSigV4::read).unwrap_err();
        assert!(error.message().starts_with(says), "{more}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
