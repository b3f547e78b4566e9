//! `trunkline keys`: the master keys of a server: which there are, a new one, one less, and a rotation that is stopped.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::Value;

use crate::{
    client::Server,
    exit::Exit,
    output::{Output, plain},
};

/// Lists, replaces and removes the master keys that a running server seals its database with.
///
/// Keys are shown by their ids; no command prints a key.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the keys: the one that seals first, and how many envelopes are sealed with each.
    List,
    /// Puts a new key in front of the key file and moves everything stored to it, while the server goes on.
    ///
    /// Stopped or cut off, it is taken up by the next rotation or the next start. Where the server cannot write its keys it
    /// says what to do instead. Whoever has the old key and an old copy of the database still reads that: if the
    /// key was stolen, replace the secrets themselves too.
    Rotate,
    /// Stops a rotation that is under way.
    ///
    /// What has moved to the new key stays there, and the older key is needed for the rest. The next rotation goes on
    /// where this one stopped, and so does the next start of the server.
    Stop,
    /// Removes an older key that nothing is sealed with any more.
    Remove {
        /// The id of the key, as `trunkline keys list` shows it.
        id: String,
    },
}

impl Keys {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        match self.action {
            Action::List => {
                let keys = server.json(Method::GET, "/api/v1/keys", None).await?;
                if output.is_json() {
                    output.value(&keys);
                } else {
                    let rows: Vec<_> = keys.as_array().into_iter().flatten().map(row).collect();
                    output.table(["ID", "STATE", "ENVELOPES"], &rows);
                }
            }
            Action::Rotate => {
                let done = server.json(Method::POST, "/api/v1/keys/rotate", None).await?;
                if output.is_json() {
                    output.value(&done);
                } else {
                    rotated(&done, output);
                }
            }
            Action::Stop => {
                let state = server.json(Method::DELETE, "/api/v1/keys/rotation", None).await?;
                if output.is_json() {
                    output.value(&state);
                } else {
                    stopped(&state, output);
                }
            }
            Action::Remove { id } => {
                // What is no id could be another path.
                let id = trunkline::KeyId::parse(&id)?;
                let done = server.json(Method::DELETE, &format!("/api/v1/keys/{id}"), None).await?;
                if output.is_json() {
                    output.value(&done);
                } else {
                    output.line(format!("{id} removed"));
                }
            }
        }
        Ok(())
    }
}

fn row(key: &Value) -> [String; 3] {
    let is = |name: &str| key.get(name).and_then(Value::as_bool).unwrap_or_default();
    let state = match (is("given"), is("primary")) {
        (false, _) => "missing",
        (true, true) => "primary",
        (true, false) => "older",
    };
    let id = key.get("id").and_then(Value::as_str).unwrap_or_default();
    [plain(id), state.to_owned(), number(key, "envelopes").to_string()]
}

fn rotated(done: &Value, output: &Output) {
    let primary = done.get("primary").and_then(Value::as_str).unwrap_or_default();
    output.line(format!(
        "{} is the primary key; {} envelopes moved to it",
        plain(primary),
        number(done, "rewrapped")
    ));
    let left = number(done, "left");
    if left > 0 {
        output.line(format!("  note: {left} do not open and were left; the log of the server names them"));
    }
    if done.get("stopped").and_then(Value::as_bool).unwrap_or_default() {
        output.line("  note: it was stopped; older keys are needed for the rest until `trunkline keys rotate` has ended");
    } else {
        let older = done.get("older").and_then(Value::as_array).into_iter().flatten();
        for older in older.filter_map(Value::as_str) {
            let older = plain(older);
            output.line(format!("  {older} can go: trunkline keys remove {older}"));
        }
    }
    output.line(
        "  keep copies: of the new key at once, of an old one for as long as there are backups from before",
    );
}

fn stopped(state: &Value, output: &Output) {
    let (moved, of) = (number(state, "moved"), number(state, "of"));
    output.line(match state.get("state").and_then(Value::as_str).unwrap_or_default() {
        "stopping" => format!("stopping: {moved} of {of} envelopes moved to the new key"),
        "unfinished" => "stopped: `trunkline keys rotate` goes on".to_owned(),
        _ => "no rotation is under way".to_owned(),
    });
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}
