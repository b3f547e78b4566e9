//! The driver in `examples/driver`: plain Python, over a folder with one file.

use std::{path::Path, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::within;

/// A driver that runs. It ends with this.
pub(crate) struct Driver {
    pub(crate) url: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Driver {
    /// What it wants to be asked by.
    pub(crate) const TOKEN: &str = "s3cret-0123456789";

    /// Starts it over `customers.csv`, with two rows.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("customers.csv"), "id,name\n7,Ada\n8,Grace\n").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver/driver.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(["--port", "0", "--token", Self::TOKEN, "--folder"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        within("the driver's address", stdout.read_line(&mut url)).await.unwrap();
        Self { child, url: url.trim().to_owned(), folder }
    }

    /// The file as it is now.
    pub(crate) fn rows(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("customers.csv")).unwrap()
    }

    /// Kills it, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        within("its end", self.child.kill()).await.unwrap();
    }
}
