//! A driver that says what it can be asked for, so that a form can be drawn, and one that anybody can run.

use std::{path::Path, process::Stdio};

use http::Response;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::within;

/// What [`Files`] wants to be asked by.
pub(crate) const TOKEN: &str = "s3cret-0123456789";

/// `examples/driver` over a folder with one file; it ends with this.
pub(crate) struct Files {
    pub(crate) url: String,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Files {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("customers.csv"), "id,name\n7,Ada\n8,Grace\n").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver/driver.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(["--port", "0", "--token", TOKEN, "--folder"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        within("the driver's address", stdout.read_line(&mut url)).await.unwrap();
        Self { url: url.trim().to_owned(), _child: child, _folder: folder }
    }
}

/// A driver that adds up, whose `/schema` is a JSON Schema of its requests.
pub(crate) async fn adder() -> Peer {
    Peer::http(|received| {
        let question: Value = serde_json::from_slice(&received.body).unwrap();
        let answer = match received.uri.path() {
            "/schema" => json!({
                "type": "object", "required": ["numbers"], "additionalProperties": false,
                "properties": {
                    "numbers": {
                        "type": "object", "title": "Numbers", "description": "What is added up",
                        "properties": { "first": { "type": "integer" }, "second": { "type": "integer" } },
                    },
                    "note": { "type": "string", "description": "Comes back as it is" },
                },
            }),
            "/call" => {
                let request = &question["request"];
                let sum: i64 =
                    ["first", "second"].iter().filter_map(|key| request["numbers"][key].as_i64()).sum();
                json!({ "sum": sum, "note": request["note"] })
            }
            _ => json!({}),
        };
        let body = json!({ "json": answer }).to_string();
        Response::builder().header("content-type", "application/json").body(Body::from(body)).unwrap()
    })
    .await
}
