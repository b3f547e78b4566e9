//! `ErrorsConfig`: what the answers of a service mean, as it is configured.

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Kind, Outcome, Result, Seconds, parse};

use super::{
    Failure, Judge, Verdict,
    partial::{Partial, Reasons},
};
use crate::answer::Condition;

/// No rule asks for a longer pause.
const LONGEST: Seconds = Seconds::new(3600);

/// What the answers of a service mean, where it says more than its statuses do.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorsConfig {
    /// Where an error says in words what is wrong, as a JSON pointer such as `/error/message`, or as a list of those of which
    /// the first that leads to words holds. Shown as `upstream_message`.
    #[serde(default)]
    message: Places,
    /// Where it says so by a code, in the same way. Shown as `upstream_code`.
    #[serde(default)]
    code: Places,
    /// Which answers mean something else than their status does; the first that suits holds. An answer of success that
    /// suits is an error, unless the rule is of those that are `partial`.
    #[serde(default)]
    rules: Vec<RuleConfig>,
}

/// One place in a body, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a JSON pointer such as /error/message, or a list of them")]
pub(super) enum Places {
    One(String),
    Several(Vec<String>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Places {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(pointer) => std::slice::from_ref(pointer),
            Self::Several(pointers) => pointers,
        }
    }
}

/// What an answer means that meets a condition.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleConfig {
    /// What it has to be.
    when: Condition,
    /// The kind of error, by its code: `rate_limited`, `contended`, `unavailable`, `rejected` and so on. As its status says
    /// unless set; `rejected` for an answer of success.
    #[serde(default)]
    kind: Option<String>,
    /// Whether the service can have acted. As is usual for the kind unless set.
    #[serde(default)]
    outcome: Option<Acted>,
    /// `false` where the same request would be answered in the same way: it is not attempted again, whatever its kind. `true`
    /// where the service says that it is worth asking again, or answers so without having looked at the request: it is,
    /// whatever its kind and though nobody said how long to wait, unless the service can have acted and it would be done twice.
    #[serde(default)]
    repeat: Option<bool>,
    /// How long to wait before it is attempted again, where the service does not say in `Retry-After`; at most an hour. Where the
    /// service limits the rate (`rate_limited`), so long no call is made at all.
    #[serde(default)]
    wait: Option<Seconds>,
    /// For an answer of success of which a part failed: where that part is in its body, as a JSON pointer to a list of what failed
    /// or to the number of it. The answer stays a success, and says how many in `Trunkline-Partial-Errors`; what is forwarded by
    /// it counts as failed.
    #[serde(default)]
    partial: Option<String>,
    /// Beside `partial`: where the answer says why. What it says is told in `Trunkline-Partial-Message`, and beside what was forwarded
    /// in vain.
    #[serde(default)]
    reasons: Option<Reasons>,
}

/// Whether the service can have acted.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Acted {
    /// It says that it did not.
    Rejected,
    /// It says that it did.
    Applied,
    /// Nobody can tell.
    Unknown,
}

impl ErrorsConfig {
    /// Checks the rules.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the rule and the key.
    pub fn open(&self) -> Result<Judge> {
        for (key, pointer) in [("message", &self.message), ("code", &self.code)] {
            for pointer in pointer.all() {
                parse::pointer(pointer).map_err(|error| error.at(&format!("errors.{key}")))?;
            }
        }
        let (mut rules, mut verdicts) = (Vec::new(), Vec::new());
        for (n, rule) in self.rules.iter().enumerate() {
            let at = |key: &str| format!("errors.rules[{n}].{key}");
            let when = rule.when.open().map_err(|error| error.at(&at("when")))?;
            let verdict = match &rule.partial {
                Some(failed) => Verdict::Partial(Partial::open(failed, rule.reasons.as_ref(), at)?),
                None => Verdict::Fails(rule.failure().map_err(|error| error.at(&at("kind")))?),
            };
            verdicts.push(verdict);
            if rule.wait.is_some_and(|wait| wait > LONGEST) {
                return Err(Error::invalid("must be at most an hour").at(&at("wait")));
            }
            match &rule.partial {
                Some(_) => {
                    if rule.says_more() {
                        let message = "is there beside kind, outcome, repeat or wait, which are for errors";
                        return Err(Error::invalid(message).at(&at("partial")));
                    }
                    if !when.is_of_success_alone() {
                        let message = "partial is for answers of success; name their status, such as 207";
                        return Err(Error::invalid(message).at(&at("when.status")));
                    }
                }
                None if rule.reasons.is_some() => {
                    let message = "is for answers of which a part failed; say in partial where that is";
                    return Err(Error::invalid(message).at(&at("reasons")));
                }
                None if when.is_of_success() => {
                    let message = "a success by itself is no error; add a header or the body";
                    return Err(Error::invalid(message).at(&at("when.status")));
                }
                None => {}
            }
            rules.push(when);
        }
        let (message, code) = (self.message.all().into(), self.code.all().into());
        Ok(Judge { rules: rules.into(), verdicts: verdicts.into(), message, code })
    }
}

impl RuleConfig {
    /// Whether it says what kind of error an answer is, or what to do about it.
    fn says_more(&self) -> bool {
        self.kind.is_some() || self.outcome.is_some() || self.repeat.is_some() || self.wait.is_some()
    }

    fn failure(&self) -> Result<Failure> {
        // What is ours alone, a service cannot say.
        let of_services = || Kind::ALL.iter().copied().filter(|kind| kind.is_of_a_service());
        let kind = self.kind.as_deref().map(|code| {
            of_services().find(|kind| kind.code() == code).ok_or_else(|| {
                let near = parse::nearest(code, of_services().map(Kind::code));
                let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                let known = of_services().map(Kind::code).collect::<Vec<_>>().join(", ");
                Error::invalid(format!("is none{near}; there are: {known}"))
            })
        });
        let outcome = self.outcome.map(|acted| match acted {
            Acted::Rejected => Outcome::Rejected,
            Acted::Applied => Outcome::Applied,
            Acted::Unknown => Outcome::Unknown,
        });
        let wait = self.wait.map(Seconds::get);
        Ok(Failure { kind: kind.transpose()?, outcome, repeat: self.repeat, wait })
    }
}
