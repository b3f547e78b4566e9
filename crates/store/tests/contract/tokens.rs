//! What the contract says of API tokens.

use trunkline_core::Kind;
use trunkline_store::Tokens;

use super::Subject;

fn tokens(store: &Subject) -> &dyn Tokens {
    store.tokens().unwrap()
}

async fn all(store: &Subject) -> Vec<(String, Vec<u8>)> {
    let stored = tokens(store).list().await.unwrap();
    stored.into_iter().map(|one| (one.id, one.document.unwrap().to_vec())).collect()
}

pub(crate) async fn tokens_are_listed_in_the_order_in_which_they_were_added(store: Subject) {
    assert_eq!(all(&store).await, []);
    for id in ["c", "a", "b"] {
        tokens(&store).add(id, id.as_bytes()).await.unwrap();
    }
    let listed = ["c", "a", "b"].map(|id| (id.to_owned(), id.as_bytes().to_vec()));
    assert_eq!(all(&store).await, listed);
    let stored = tokens(&store).list().await.unwrap();
    assert!(stored.iter().all(|one| one.updated_at_ms > 1_700_000_000_000), "{stored:?}");
    assert!(store.load().await.unwrap().is_empty(), "a token is no integration");
}

pub(crate) async fn a_token_is_added_once_and_removed_once(store: Subject) {
    tokens(&store).add("a", b"1").await.unwrap();
    assert_eq!(tokens(&store).add("a", b"2").await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(all(&store).await, [("a".to_owned(), b"1".to_vec())]);
    assert!(tokens(&store).remove("a").await.unwrap());
    assert!(!tokens(&store).remove("a").await.unwrap());
    assert_eq!(all(&store).await, []);
    tokens(&store).add("a", b"3").await.unwrap();
    assert_eq!(all(&store).await, [("a".to_owned(), b"3".to_vec())]);
}

pub(crate) async fn of_concurrent_additions_of_a_token_one_wins(store: Subject) {
    let adding = (1..=8_u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { tokens(&store).add("a", &[n]).await.map(|()| n) })
    });
    let mut won = Vec::new();
    for one in adding.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(n) => won.push(("a".to_owned(), vec![n])),
            Err(error) => assert_eq!(error.kind(), Kind::Conflict),
        }
    }
    assert_eq!((won.len(), all(&store).await), (1, won));
}
