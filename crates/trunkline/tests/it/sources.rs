//! Integrations that live in a file: they come and go together, and only there.

use std::sync::Arc;

use trunkline::{HttpRequest, Kind, Source};

use crate::{agreeable, flaky::Flaky, ids, kind, lab, rest};
use trunkline::Store;

#[tokio::test]
async fn a_file_replaces_all_of_its_own_and_nothing_else() {
    let manager = lab().build().await.unwrap();
    manager.register(rest("stored", "http://h")).await.unwrap();
    manager.set_source(Source::Demo, &[rest("demo", "http://h")]).await.unwrap();
    manager.set_source(Source::File, &[rest("a", "http://h"), rest("b", "http://h")]).await.unwrap();
    assert_eq!(ids(&manager), ["a", "b", "demo", "stored"]);
    manager.set_source(Source::File, &[rest("b", "http://h"), rest("c", "http://h")]).await.unwrap();
    assert_eq!(ids(&manager), ["b", "c", "demo", "stored"]);
    manager.set_source(Source::File, &[]).await.unwrap();
    assert_eq!(ids(&manager), ["demo", "stored"]);
}

#[tokio::test]
async fn one_that_is_wrong_leaves_all_as_they_were_and_is_named() {
    let manager = lab().build().await.unwrap();
    manager.register(rest("stored", "http://h")).await.unwrap();
    let good = [rest("a", "http://h"), rest("b", "http://h")];
    manager.set_source(Source::File, &good).await.unwrap();
    let held = manager.get("a").unwrap();
    for (wrong, expected, words) in [
        (vec![rest("a", "http://new"), rest("bad", "nonsense")], Kind::InvalidConfig, "bad: base_url: "),
        (vec![rest("c", "http://h"), rest("c", "http://h")], Kind::Conflict, "c: is there twice"),
        (vec![rest("a", "http://new"), rest("stored", "http://h")], Kind::Conflict, "stored: is registered"),
    ] {
        let error = manager.set_source(Source::File, &wrong).await.unwrap_err();
        assert_eq!(error.kind(), expected);
        assert!(error.message().starts_with(words), "{error}");
        assert_eq!(ids(&manager), ["a", "b", "stored"]);
        assert!(Arc::ptr_eq(&held, &manager.get("a").unwrap()));
    }
}

#[tokio::test]
async fn one_that_did_not_change_keeps_its_handle() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    std::fs::write(&file, "http://h").unwrap();
    let reads = rest("reads", &format!("${{file:{}}}", file.display()));
    let manager = lab().build().await.unwrap();
    let load = async |b: &str| {
        let configs = [rest("a", "http://h"), rest("b", b), reads.clone()];
        manager.set_source(Source::File, &configs).await.unwrap();
        ["a", "b", "reads"].map(|id| manager.get(id).unwrap())
    };
    let [a, b, reading] = load("http://one").await;
    let [same_a, same_b, _] = load("http://one").await;
    assert!(Arc::ptr_eq(&a, &same_a) && Arc::ptr_eq(&b, &same_b));
    let [same_a, other_b, read_again] = load("http://two").await;
    assert!(Arc::ptr_eq(&a, &same_a) && !Arc::ptr_eq(&b, &other_b));
    // The file may hold something else now.
    assert!(!Arc::ptr_eq(&reading, &read_again));
}

#[tokio::test]
async fn what_a_file_owns_cannot_be_changed_elsewhere_and_is_not_stored() {
    let (peer, store) = (agreeable().await, Arc::new(Flaky::default()));
    let manager = lab().store(store.clone()).build().await.unwrap();
    for (source, id, words) in
        [(Source::File, "f", "change it there"), (Source::Demo, "d", "register your own")]
    {
        manager.set_source(source, &[rest(id, &peer.url())]).await.unwrap();
        for error in [
            manager.replace(rest(id, "http://h"), None).await.unwrap_err(),
            manager.set_enabled(id, false).await.unwrap_err(),
            manager.remove(id, None).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Conflict);
            assert!(error.message().contains(words), "{error}");
        }
        assert_eq!(kind(manager.register(rest(id, "http://h")).await), Kind::Conflict);
        assert_eq!(manager.get(id).unwrap().source(), source);
        manager.call(id, HttpRequest::get("/")).await.unwrap();
    }
    assert!(store.load().await.unwrap().is_empty());
    let again = lab().store(store).build().await.unwrap();
    assert!(again.list().is_empty());
}

#[tokio::test]
async fn what_is_stored_is_no_source_to_be_replaced_whole() {
    let manager = lab().build().await.unwrap();
    manager.register(rest("a", "http://h")).await.unwrap();
    assert_eq!(kind(manager.set_source(Source::Store, &[]).await), Kind::Unsupported);
    assert_eq!(ids(&manager), ["a"]);
}

#[tokio::test]
async fn what_left_the_file_leaves_no_label() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    manager
        .set_source(Source::File, &[rest("leaving", &peer.url()), rest("staying", &peer.url())])
        .await
        .unwrap();
    for id in ["leaving", "staying"] {
        manager.call(id, HttpRequest::get("/")).await.unwrap();
    }
    manager.set_source(Source::File, &[rest("staying", &peer.url()).with_enabled(false)]).await.unwrap();
    let text = manager.metrics().render();
    assert!(!text.contains("leaving"));
    assert!(text.contains("trunkline_calls_total{integration=\"staying\",outcome=\"ok\"} 1"), "{text}");
}
