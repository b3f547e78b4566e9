//! `trunkline token`: the API tokens of a server: which there are, a new one, one less.

use clap::{Args, Subcommand};
use http::Method;
use jiff::{Span, Timestamp, Zoned, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    client::Server,
    exit::Exit,
    output::{Output, plain},
};

const PATH: &str = "/api/v1/tokens";

/// Lists, makes and revokes the API tokens that programs show a running server.
///
/// They may do whatever the one in TRUNKLINE_API_TOKEN may, which is none of them. Each program gets its own, so that one
/// can be revoked without the others.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the tokens: what each begins with, and when it was last used.
    List,
    /// Makes a token and prints it, alone, on standard output. It is not shown again.
    Create {
        /// What uses it, such as billing.
        name: String,
        /// From when on it is refused: in 90d, 12h or 1y, on 2027-01-31 (UTC), or at 2027-01-31T12:00:00Z. Unless set, it
        /// holds until it is revoked.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
    },
    /// Revokes a token: whatever shows it is refused from then on.
    Revoke {
        /// The name of the token, or its id.
        #[arg(value_name = "NAME_OR_ID")]
        wanted: String,
    },
}

impl Token {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        match self.action {
            Action::List => list(server, output).await,
            Action::Create { name, expires } => create(&name, expires.as_deref(), server, output).await,
            Action::Revoke { wanted } => revoke(&wanted, server, output).await,
        }
    }
}

async fn list(server: &Server, output: &Output) -> Result<(), Exit> {
    let answer = server.json(Method::GET, PATH, None).await?;
    if output.is_json() {
        output.value(&answer);
        return Ok(());
    }
    let rows: Vec<_> = tokens(&answer).map(row).collect();
    output.table(["ID", "NAME", "BEGINS WITH", "MADE", "LAST USED", "EXPIRES"], &rows);
    if answer.get("required").and_then(Value::as_bool) == Some(false) {
        output.note("note: this server asks for no token: it was started without TRUNKLINE_API_TOKEN");
    }
    Ok(())
}

async fn create(name: &str, expires: Option<&str>, server: &Server, output: &Output) -> Result<(), Exit> {
    let mut new = json!({ "name": name });
    if let Some(expires) = expires {
        new["expires_at_ms"] = moment(expires, Timestamp::now())?.as_millisecond().into();
    }
    let made = server.json(Method::POST, PATH, Some(&new)).await?;
    if output.is_json() {
        output.value(&made);
        return Ok(());
    }
    let token = made.get("token").and_then(Value::as_str);
    output.line(token.ok_or_else(|| Exit::failed("the server answered without a token"))?);
    output.note(format!("{}: keep it now, it is not shown again", plain(name)));
    for warning in made.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        output.note(format!("note: {}", plain(warning.as_str().unwrap_or_default())));
    }
    Ok(())
}

async fn revoke(wanted: &str, server: &Server, output: &Output) -> Result<(), Exit> {
    let answer = server.json(Method::GET, PATH, None).await?;
    let found: Vec<_> =
        tokens(&answer).filter(|token| ["id", "name"].iter().any(|key| token[*key] == wanted)).collect();
    let id = match found[..] {
        [token] => token["id"].as_str().unwrap_or_default(),
        [] => {
            return Err(Exit::input(
                "no token has this name or id; see which there are: trunkline token list",
            ));
        }
        _ => {
            return Err(Exit::input(
                "it is the name of one token and the id of another; give the other's id",
            ));
        }
    };
    // What is no id could be another path.
    if id.is_empty() || !id.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Exit::failed("the server answered with a token that has no id"));
    }
    let done = server.json(Method::DELETE, &format!("{PATH}/{id}"), None).await?;
    if output.is_json() {
        output.value(&done);
    } else {
        output.line(format!("{} revoked", plain(wanted)));
    }
    Ok(())
}

fn tokens(answer: &Value) -> impl Iterator<Item = &Value> {
    answer.get("tokens").and_then(Value::as_array).into_iter().flatten()
}

fn row(token: &Value) -> [String; 6] {
    let text = |key: &str| plain(token.get(key).and_then(Value::as_str).unwrap_or_default());
    let when = |key: &str| {
        let at = token.get(key).and_then(Value::as_i64).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"))
    };
    let name = if token.get("error").is_some() { "(cannot be read)".to_owned() } else { text("name") };
    [text("id"), name, text("prefix"), when("created_at_ms"), when("last_used_at_ms"), when("expires_at_ms")]
}

/// The moment that somebody names: some time from `now` on, the beginning of a day, or a time with its zone.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Exit> {
    let in_utc = |day: Date| day.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
    let later = |span: Span| Zoned::new(now, TimeZone::UTC).checked_add(span).map(|at| at.timestamp());
    text.parse().or_else(|_| Date::strptime("%Y-%m-%d", text).and_then(in_utc)).or_else(|_| text.parse().and_then(later)).map_err(
        |_| Exit::input("--expires takes a time such as 90d, 12h or 1y, a day such as 2027-01-31, or 2027-01-31T12:00:00Z"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_named_by_a_duration_a_day_or_a_time() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("90d", "2027-02-24T12:00:00Z"),
            ("12h", "2026-11-27T00:00:00Z"),
            ("1y", "2027-11-26T12:00:00Z"),
            ("2 weeks", "2026-12-10T12:00:00Z"),
            ("2027-01-31", "2027-01-31T00:00:00Z"),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap(), at.parse().unwrap(), "{text}");
        }
        for text in ["", "soon", "90", "2027-13-01", "2027-01-31T12:00:00", "9999999y"] {
            assert_eq!(moment(text, now).unwrap_err().code, 2, "{text}");
        }
    }
}
