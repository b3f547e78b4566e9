//! Runs a spec of Playwright against a server and the services beside it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::harness::Server;

/// The token of the servers here, as people have to give it to the UI.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Longer than all pages in all looks take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(900);

/// A server as those that others reach: it asks for the token.
pub(crate) fn begin() -> crate::harness::Begin {
    Server::begin().token(TOKEN)
}

/// Runs `web/e2e/NAME.spec.ts`, with what it needs to know in the environment.
///
/// What it leaves, screenshots and the traces of failures, is in `target/browser/NAME`.
///
/// # Panics
///
/// Where a test of the spec fails, with all that was printed.
pub(crate) async fn passes(server: &Server, name: &str, env: &[(&str, &str)]) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let playwright = web.join("node_modules/@playwright/test/cli.js");
    assert!(
        playwright.exists(),
        "run scripts/need.sh web and scripts/need.sh chromium, which install what the test needs"
    );
    assert!(
        server.get("/").await.text().contains("/assets/"),
        "the binary holds no UI: run scripts/ui.sh, then build again"
    );
    let child = Command::new("node")
        .arg(playwright)
        .args(["test", "--config", "playwright.config.ts", &format!("e2e/{name}.spec.ts")])
        .current_dir(&web)
        .env("TRUNKLINE_URL", format!("http://{}", server.address))
        .env("TRUNKLINE_TOKEN", server.token.unwrap_or_default())
        .env("TRUNKLINE_OUTPUT", output().join(name))
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ran = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the spec ends in time")
        .unwrap();
    assert!(
        ran.status.success(),
        "{name}.spec.ts: {}\n{}{}\n{}\nThe log of the server:\n{}",
        ran.status,
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
        pages_of(name),
        server.log()
    );
    say_skipped(&String::from_utf8_lossy(&ran.stdout));
}

/// Says which tests of a spec did not run, since what they need is not installed.
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
fn say_skipped(printed: &str) {
    for test in printed.lines().filter_map(|line| line.trim_start().strip_prefix("-  ")) {
        eprintln!("skipped: {test}");
    }
}

/// What the pages of failed tests showed, for whoever has the log of a run and nothing else of it.
fn pages_of(name: &str) -> String {
    let failed = std::fs::read_dir(output().join(name).join("failed")).into_iter().flatten().flatten();
    failed
        .filter_map(|test| std::fs::read_to_string(test.path().join("error-context.md")).ok())
        .filter_map(|page| page.split_once("```yaml").map(|(_, shown)| shown.to_owned()))
        .collect()
}

/// `target/browser`: what cargo calls a target's folder for tests lies in the same.
fn output() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser")
}
