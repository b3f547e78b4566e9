//! `Tokens`: the API tokens that people make for their programs, beside the one of the environment: made, listed, revoked.

pub(crate) mod issued;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use trunkline::{Error, Kind, Result, Store, Stored, parse};

use self::issued::{Issued, PREFIX, Token};
use crate::{
    clock::now_ms,
    random::{self, Digest, digest},
};

/// As many there may be. All are in memory, and a list of more is no list that anybody reads.
const MOST: usize = 1_000;
/// Characters of a name.
const NAME: usize = 100;
/// Characters of a token that stay known, to tell tokens apart that lie around: five are of the secret, which has 38 more.
const SHOWN: usize = 8;

/// The tokens of a server. One process holds a data folder at a time, so that what is in memory is what is stored.
#[derive(Debug)]
pub(crate) struct Tokens {
    store: Arc<dyn Store>,
    issued: Arc<Issued>,
    /// Held by whoever changes something: the store first, then what is in memory.
    turn: Mutex<()>,
}

/// What a token is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// What uses it, such as `billing`: 1 to 100 characters, and no other token's.
    name: String,
    /// From when on it is refused, in milliseconds of Unix time; unless set, it holds until it is revoked.
    expires_at_ms: Option<i64>,
}

/// A token that was made. Times are in milliseconds of Unix time.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Made {
    id: String,
    name: String,
    /// The token, which is shown this once.
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    /// What to know besides.
    pub(crate) warnings: Vec<String>,
}

/// What is known of a token. Times are in milliseconds of Unix time.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Known {
    id: String,
    /// Empty where what is stored cannot be read.
    name: String,
    /// What it begins with.
    prefix: String,
    created_at_ms: i64,
    /// From when on it is refused; unless there, it holds until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    /// When it was last used, to the minute; not there where it was not used since the server was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at_ms: Option<i64>,
    /// Why what is stored cannot be read. Such a token lets nobody in.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What is stored of a token.
#[derive(Serialize, Deserialize)]
struct Document {
    name: String,
    prefix: String,
    /// In base64url.
    digest: String,
    expires_at_ms: Option<i64>,
}

impl Tokens {
    /// The tokens in a store, none of which holds before they are [loaded](Tokens::load).
    pub(crate) fn new(store: Arc<dyn Store>, issued: Arc<Issued>) -> Self {
        Self { store, issued, turn: Mutex::default() }
    }

    /// Lets in whoever shows one that is stored.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read.
    pub(crate) async fn load(&self) -> Result<()> {
        let Some(tokens) = self.store.tokens() else { return Ok(()) };
        for stored in tokens.list().await? {
            match Document::read(&stored) {
                Ok((document, digest)) => {
                    self.issued.insert(digest, Token::new(stored.id, document.expires_at_ms));
                }
                Err(error) => {
                    tracing::warn!(id = %stored.id, %error, "an API token cannot be read and is refused");
                }
            }
        }
        Ok(())
    }

    /// All that are stored, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when the store cannot be read.
    pub(crate) async fn list(&self) -> Result<Vec<Known>> {
        Ok(self.stored()?.list().await?.into_iter().map(|stored| self.known(stored)).collect())
    }

    fn known(&self, stored: Stored) -> Known {
        let last_used_at_ms = self.issued.get(&stored.id).and_then(|token| token.last_used_at_ms());
        let (document, error) = match Document::read(&stored) {
            Ok((document, _)) => (Some(document), None),
            Err(error) => (None, Some(error.message().to_owned())),
        };
        let expires_at_ms = document.as_ref().and_then(|document| document.expires_at_ms);
        let (name, prefix) = document.map(|document| (document.name, document.prefix)).unwrap_or_default();
        let (id, created_at_ms) = (stored.id, stored.updated_at_ms);
        Known { id, name, prefix, created_at_ms, expires_at_ms, last_used_at_ms, error }
    }

    /// Makes a token, which holds at once.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a name that is none, or a time that is over; `conflict` where another one has the name, or there
    /// are as many as may be; `store_unavailable` when it cannot be stored.
    pub(crate) async fn make(&self, New { name, expires_at_ms }: New) -> Result<Made> {
        let name = named(&name)?;
        if expires_at_ms.is_some_and(|expires| expires <= now_ms()) {
            return Err(Error::invalid("is over already").at("expires_at_ms"));
        }
        let _turn = self.turn.lock().await;
        let known = self.list().await?;
        if known.iter().any(|known| known.name == name) {
            return Err(conflict("another token has this name; choose another name, or revoke that one"));
        }
        if known.len() >= MOST {
            return Err(conflict(format!(
                "there are {MOST} tokens, and no more can be; revoke those that nobody uses"
            )));
        }
        let token = format!("{PREFIX}{}", random::secret()?);
        let (id, digest) = (u64::from_be_bytes(random::bytes()?), digest(&token));
        let id = format!("{id:016x}");
        let document = Document {
            name: name.to_owned(),
            prefix: token[..SHOWN].to_owned(),
            digest: URL_SAFE_NO_PAD.encode(digest),
            expires_at_ms,
        };
        let stored = self.stored()?;
        if let Err(error) = stored.add(&id, &document.bytes()).await {
            // It may be stored all the same, and nobody will ever show it.
            let _ = stored.remove(&id).await;
            return Err(error);
        }
        self.issued.insert(digest, Token::new(id.clone(), expires_at_ms));
        tracing::info!(%id, name, "made an API token");
        Ok(Made { id, name: name.to_owned(), token, expires_at_ms, warnings: Vec::new() })
    }

    /// Lets a token in no more. Says whether there was one.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when that cannot be stored: the token holds, as far as is known.
    pub(crate) async fn revoke(&self, id: &str) -> Result<bool> {
        let _turn = self.turn.lock().await;
        let there = self.stored()?.remove(id).await?;
        self.issued.remove(id);
        if there {
            tracing::info!(id, "revoked an API token");
        }
        Ok(there)
    }

    fn stored(&self) -> Result<&dyn trunkline::Tokens> {
        let tokens = self.store.tokens();
        tokens.ok_or_else(|| Error::new(Kind::Unsupported, "the store of this server keeps no API tokens"))
    }
}

impl Document {
    /// What is stored, and the digest in it.
    fn read(stored: &Stored) -> Result<(Self, Digest)> {
        let document = match &stored.document {
            Ok(document) => parse::text::<Self>(document)?,
            Err(error) => return Err(Error::new(error.kind(), error.message().to_owned())),
        };
        let digest = URL_SAFE_NO_PAD.decode(&document.digest).ok().and_then(|digest| digest.try_into().ok());
        let digest = digest.ok_or_else(|| Error::invalid("is no digest").at("digest"))?;
        Ok((document, digest))
    }

    fn bytes(&self) -> Vec<u8> {
        // Strings and numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A name without the blanks around it.
fn named(name: &str) -> Result<&str> {
    let name = name.trim();
    let length = name.chars().count();
    if !(1..=NAME).contains(&length) || name.chars().any(char::is_control) {
        let message = format!("has to be 1 to {NAME} characters in one line, such as what uses the token");
        return Err(Error::invalid(message).at("name"));
    }
    Ok(name)
}

fn conflict(message: impl Into<String>) -> Error {
    Error::new(Kind::Conflict, message.into())
}

#[cfg(test)]
mod tests {
    use trunkline::MemoryStore;

    use super::*;

    fn tokens(store: &Arc<MemoryStore>) -> Tokens {
        Tokens::new(store.clone(), Arc::default())
    }

    fn new(name: &str) -> New {
        New { name: name.to_owned(), expires_at_ms: None }
    }

    #[tokio::test]
    async fn a_token_holds_until_it_is_revoked_also_for_the_next_server() {
        let store = Arc::new(MemoryStore::default());
        let first = tokens(&store);
        let made = first.make(new("a")).await.unwrap();
        assert!(made.token.starts_with("tl_") && made.token.len() == 46, "{}", made.token);
        assert!(first.issued.find(made.token.as_bytes()).is_some());
        let second = tokens(&store);
        assert!(second.issued.find(made.token.as_bytes()).is_none());
        second.load().await.unwrap();
        assert!(second.issued.find(made.token.as_bytes()).is_some());
        assert!(second.revoke(&made.id).await.unwrap());
        assert!(second.issued.find(made.token.as_bytes()).is_none());
        assert!(!second.revoke(&made.id).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_stored_and_listed_is_not_the_token() {
        let store = Arc::new(MemoryStore::default());
        let tokens = tokens(&store);
        let made = tokens.make(new(" a ")).await.unwrap();
        let stored = store.tokens().unwrap().list().await.unwrap();
        let document = String::from_utf8(stored[0].document.as_ref().unwrap().to_vec()).unwrap();
        let listed = serde_json::to_string(&tokens.list().await.unwrap()).unwrap();
        for text in [&document, &listed, &format!("{tokens:?}")] {
            assert!(!text.contains(&made.token[SHOWN..]), "{text}");
        }
        assert!(listed.contains("\"name\":\"a\"") && listed.contains(&made.token[..SHOWN]), "{listed}");
    }

    #[tokio::test]
    async fn a_name_is_taken_once_and_says_something() {
        let tokens = tokens(&Arc::default());
        tokens.make(new("a")).await.unwrap();
        for (name, kind) in [
            ("a", Kind::Conflict),
            (" a", Kind::Conflict),
            ("", Kind::InvalidConfig),
            (" ", Kind::InvalidConfig),
            ("a\nb", Kind::InvalidConfig),
            (&"x".repeat(101), Kind::InvalidConfig),
        ] {
            assert_eq!(tokens.make(new(name)).await.err().unwrap().kind(), kind, "{name:?}");
        }
        tokens.make(new(&"ä".repeat(100))).await.unwrap();
        let past = New { name: "b".to_owned(), expires_at_ms: Some(now_ms()) };
        assert!(tokens.make(past).await.err().unwrap().message().starts_with("expires_at_ms: "));
    }

    #[tokio::test]
    async fn there_are_so_many_and_no_more() {
        let store = Arc::new(MemoryStore::default());
        for n in 0..MOST {
            store.tokens().unwrap().add(&n.to_string(), b"damaged").await.unwrap();
        }
        let tokens = tokens(&store);
        tokens.load().await.unwrap();
        let error = tokens.make(new("a")).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Conflict);
        assert!(error.message().contains("1000 tokens"), "{error}");
        // One that cannot be read is listed, and can go.
        assert!(tokens.list().await.unwrap()[0].error.is_some());
        assert!(tokens.revoke("0").await.unwrap());
        tokens.make(new("a")).await.unwrap();
    }

    #[tokio::test]
    async fn of_those_who_want_a_name_at_the_same_time_one_gets_it() {
        let tokens = Arc::new(tokens(&Arc::default()));
        let making = (0..8).map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.make(new("a")).await.is_ok() })
        });
        let mut made = 0;
        for one in making.collect::<Vec<_>>() {
            made += usize::from(one.await.unwrap());
        }
        assert_eq!((made, tokens.list().await.unwrap().len()), (1, 1));
    }
}
