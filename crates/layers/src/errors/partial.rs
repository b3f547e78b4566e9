//! `Partial`: a success of which a part failed, how much of it did, and why.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Reply, Result, parse};

use super::{config::Places, text};
use crate::answer::peek;

/// Where an answer says why a part of it failed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasons {
    /// Where the list of what failed is, as a JSON pointer. What `partial` points to unless set.
    #[serde(default)]
    list: Option<String>,
    /// Where one of that list says in words what is wrong, as a JSON pointer into it such as `/message`, or as a list of those of
    /// which the first that leads to words holds. Unless set it is such words itself.
    #[serde(default)]
    message: Places,
}

/// A success of which a part failed.
#[derive(Debug)]
pub(super) struct Partial {
    /// Where that part is in its body: a list, or the number of it.
    failed: String,
    /// Where the list is of those that say why.
    list: String,
    /// Where each of them says it.
    message: Box<[String]>,
}

impl Partial {
    /// Checks it; `at` is where a key of its rule is.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(super) fn open(failed: &str, reasons: Option<&Reasons>, at: impl Fn(&str) -> String) -> Result<Self> {
        parse::pointer(failed).map_err(|error| error.at(&at("partial")))?;
        let reasons = reasons.cloned().unwrap_or_default();
        let list = reasons.list.unwrap_or_else(|| failed.to_owned());
        parse::pointer(&list).map_err(|error| error.at(&at("reasons.list")))?;
        let mut message = reasons.message.all().to_vec();
        for pointer in &message {
            parse::pointer(pointer).map_err(|error| error.at(&at("reasons.message")))?;
        }
        if message.is_empty() {
            message.push(String::new());
        }
        Ok(Self { failed: failed.to_owned(), list, message: message.into() })
    }

    /// Has an answer say how many parts of it failed, if any did, and why. One that cannot be looked into had at least one:
    /// its rule says so.
    pub(super) async fn tell(&self, reply: &mut Reply) {
        let body = peek(reply).await;
        let at = |pointer: &str| body.as_ref().and_then(|body| body.pointer(pointer));
        let failed = match at(&self.failed) {
            Some(Value::Array(failed)) => failed.len() as u64,
            Some(Value::Number(failed)) => failed.as_u64().unwrap_or(1),
            _ => 1,
        };
        if failed == 0 {
            return;
        }
        let each = at(&self.list).and_then(Value::as_array).into_iter().flatten();
        let words = |one: &Value| self.message.iter().find_map(|pointer| text(one.pointer(pointer)?));
        let words: Vec<_> = each.filter_map(words).collect();
        reply.failed_in_part(failed, words.iter().map(String::as_str));
    }
}
