//! How operators have an event forwarded once more: to what it has not reached, or to the one target that they name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Error, Kind, Result, now_ms};
use trunkline_store::Redelivery as Asked;

use super::{Hooks, events::unknown, kept};
use crate::Manager;

/// Where an event is forwarded once more.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redelivery {
    /// The name of one entry of `webhooks.to`: it goes there whatever became of it before. Unless set, it goes wherever it
    /// has not arrived, but not where it may have been done and would be done twice.
    #[serde(default)]
    pub to: Option<String>,
    /// Under another idempotency key than before, though it may have been done under that: something new, which is done twice
    /// if it was done. For one that is named.
    #[serde(default)]
    pub anew: bool,
}

/// Where an event is forwarded once more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Redelivered {
    /// The entries that it waits for, or is on its way to.
    pub to: Vec<String>,
    /// Those that it may have been done by, and would be done twice by. Name one to have it forwarded there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Manager {
    /// Has an event forwarded once more, from the beginning, to what its integration forwards to now.
    ///
    /// The key by which a service knows a repetition stays the same as long as the service knows it and what became of the
    /// event there is not known; else it is another one.
    ///
    /// # Errors
    ///
    /// As [`Manager::event`]; `unsupported` where it goes nowhere: the integration forwards to nobody, it has arrived
    /// everywhere, or may have; `invalid_config` where no entry is named so.
    pub async fn redeliver(
        &self,
        integration: &str,
        id: &str,
        Redelivery { to, anew }: Redelivery,
    ) -> Result<Redelivered> {
        let handle = self.get(integration)?;
        let all = handle.hooks().map(Hooks::targets).unwrap_or_default();
        if all.is_empty() {
            return Err(nowhere("the integration forwards its webhooks to nobody; set webhooks.to"));
        }
        let targets = match &to {
            None if anew => return Err(Error::invalid("anew: is for one entry; name it as `to`")),
            None => all,
            Some(to) if all.contains(&&**to) => vec![&**to],
            Some(_) => {
                let message =
                    format!("to: the integration forwards to none of this name; known: {}", all.join(", "));
                return Err(Error::invalid(message));
            }
        };
        let now_ms = now_ms();
        let asked = Asked { targets: &targets, named: to.is_some(), anew, now_ms };
        let said = kept(&*self.registry().shared.store)?.redeliver(handle.id(), id, asked).await?;
        let said = said.ok_or_else(unknown)?;
        if said.waits.is_empty() {
            return Err(match &*said.doubtful {
                [] => nowhere(
                    "it has arrived everywhere; name one entry as `to` to have it forwarded there once more",
                ),
                doubtful => nowhere(&format!(
                    "it may have been done by {}, and would be done twice; see whether it was, and name the entry as `to` if not",
                    doubtful.join(", ")
                )),
            });
        }
        self.note(handle.id(), "webhook_redelivered", None);
        said.waits.iter().for_each(|target| self.post().wait_again(handle.id(), target, now_ms));
        Ok(Redelivered { to: said.waits, left_out: said.doubtful })
    }
}

/// It is forwarded to nobody.
fn nowhere(why: &str) -> Error {
    Error::new(Kind::Unsupported, why.to_owned())
}
