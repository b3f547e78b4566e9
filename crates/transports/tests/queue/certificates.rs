//! Who is spoken to: certificates of brokers, and those that they ask for.

use serde_json::{Value, json};
use trunkline_core::Kind;
use trunkline_testkit::{Authority, Options};

use crate::secure::{Secure, all, client, each_fails, works};

pub(crate) async fn a_certificate_is_checked_before_anything_is_said<B: Secure>() {
    let authority = Authority::of(&["127.0.0.1"]);
    let Some(broker) = B::guarded(Options { tls: Some(&authority), ..Options::default() }).await else {
        return;
    };
    let url = broker.at(true, "", "127.0.0.1");
    works::<B>(&client::<B>(&url, json!({ "ca": authority.pem() }))).await;
    for tls in [Value::Null, json!({ "ca": Authority::new().pem() })] {
        for error in each_fails::<B>(|| client::<B>(&url, tls.clone())).await {
            assert_eq!(error.kind(), Kind::Protocol, "{error}");
            assert!(error.message().contains("tls.ca has the authority to trust"), "{error}");
        }
    }
    let elsewhere = broker.at(true, "", "localhost");
    for error in each_fails::<B>(|| client::<B>(&elsewhere, json!({ "ca": authority.pem() }))).await {
        assert_eq!(error.kind(), Kind::Protocol, "{error}");
        assert!(error.message().contains("localhost shows is for other names"), "{error}");
        assert!(error.message().contains("correct the host in base_url"), "{error}");
    }
}

pub(crate) async fn who_speaks_in_clear_text_where_tls_is_wanted_is_told<B: Secure>() {
    let authority = Authority::new();
    let Some(broker) = B::guarded(Options { tls: Some(&authority), ..Options::default() }).await else {
        return;
    };
    let url = broker.at(false, "", "127.0.0.1");
    for error in each_fails::<B>(|| client::<B>(&url, Value::Null)).await {
        assert!(matches!(error.kind(), Kind::Protocol | Kind::Unavailable), "{}", all(&error));
        assert!(error.message().contains("TLS"), "{}", all(&error));
        assert!(error.message().contains(B::SCHEMES[1]), "{}", all(&error));
    }
}

pub(crate) async fn a_client_certificate_is_shown_where_it_is_asked_for<B: Secure>() {
    let authority = Authority::new();
    let options = Options { tls: Some(&authority), mutual: true, ..Options::default() };
    let Some(broker) = B::guarded(options).await else { return };
    let url = broker.at(true, "", "localhost");
    let of = |signer: &Authority| {
        let (certificate, key) = signer.client();
        json!({"ca": authority.pem(), "client_cert": certificate, "client_key": key})
    };
    works::<B>(&client::<B>(&url, of(&authority))).await;
    for error in each_fails::<B>(|| client::<B>(&url, json!({ "ca": authority.pem() }))).await {
        assert_eq!(error.kind(), Kind::Protocol, "{}", all(&error));
        assert!(error.message().contains("tls.client_cert and tls.client_key have it"), "{error}");
    }
    let stranger = Authority::new();
    for error in each_fails::<B>(|| client::<B>(&url, of(&stranger))).await {
        // What a broker says of it may be lost with the connection.
        assert!(matches!(error.kind(), Kind::Protocol | Kind::Unavailable), "{}", all(&error));
        assert!(error.message().contains("does it take tls.client_cert?"), "{}", all(&error));
    }
}
