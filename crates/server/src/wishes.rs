//! `Wishes`: what a caller asks for its own call, in headers. It only ever makes the call cheaper or shorter than the
//! integration allows. What led to it stands there too.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use trunkline::{Call, Error, Hops, Result, Seconds};

/// The headers, with what each of them says.
pub(crate) const HEADERS: [(&str, &str); 7] = [
    ("Trunkline-Connection", "Whose credentials it uses: the name of a connection; `default` unless set"),
    ("Trunkline-Timeout", "How long the call may take with all its waits: `30`, `250ms`"),
    ("Trunkline-Max-Attempts", "How often it may be attempted: `1` for no retry"),
    ("Trunkline-Max-Wait", "How long it may wait for its turn at a limit: `0` for not at all"),
    ("Trunkline-Cache", "`bypass`: only the service itself may answer, and its answer is not kept"),
    (
        "Trunkline-Pages",
        "Of a proxied GET, all pages of the list that it gives, in the place of the answer: `all`, or an object as `pages` of a call",
    ),
    (
        "Trunkline-Hops",
        "How often what led to the call was forwarded; it is passed on to the service, so that no circle goes on forever",
    ),
];

/// Asks for all pages of a proxied list.
pub(crate) const PAGES: &str = "trunkline-pages";

/// What a caller asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    connection: Option<String>,
    timeout: Option<Duration>,
    max_attempts: Option<u32>,
    max_wait: Option<Duration>,
    uncached: bool,
    hops: Option<Hops>,
}

impl Wishes {
    /// Reads them. Most requests have none, and pay for one look at each name.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the header.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        let mut wishes = Self::default();
        for (name, value) in headers {
            if let Some(wish) = name.as_str().strip_prefix("trunkline-") {
                wishes.read(wish, value).map_err(|error| error.at(name.as_str()))?;
            }
        }
        Ok(wishes)
    }

    fn read(&mut self, wish: &str, value: &HeaderValue) -> Result<()> {
        let value = value.to_str().unwrap_or_default().trim();
        match wish {
            "connection" => {
                let named = self.connection.replace(value.to_owned());
                if named.is_some_and(|named| named != value) {
                    return Err(Error::invalid("is there twice"));
                }
            }
            "timeout" => self.timeout = Some(value.parse().map(Seconds::get)?),
            "max-attempts" => {
                let attempts = value.parse().ok().filter(|attempts| *attempts > 0);
                self.max_attempts =
                    Some(attempts.ok_or_else(|| Error::invalid("must be a whole number of at least 1"))?);
            }
            // No time at all is none for a duration, and the most usual wish.
            "max-wait" if value == "0" => self.max_wait = Some(Duration::ZERO),
            "max-wait" => self.max_wait = Some(value.parse().map(Seconds::get)?),
            "cache" if value.eq_ignore_ascii_case("bypass") => self.uncached = true,
            "cache" => return Err(Error::invalid("can only be `bypass`")),
            "hops" => self.hops = Some(Hops::read(Some(value))),
            // Others are of other hops, or the token.
            _ => {}
        }
        Ok(())
    }

    /// The connection that is to be used, if it is named.
    pub(crate) fn connection(&mut self) -> Option<String> {
        self.connection.take()
    }

    /// When what was asked for shall have ended, if it begins now.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.timeout.map(|timeout| Instant::now() + timeout)
    }

    /// Makes the others the call's.
    pub(crate) fn onto(self, call: &mut Call) {
        call.deadline = self.end();
        call.max_attempts = self.max_attempts;
        call.max_wait = self.max_wait;
        call.uncached = self.uncached;
        if let Some(hops) = self.hops {
            hops.onto(&mut call.operation);
        }
    }
}
