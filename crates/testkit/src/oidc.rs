//! `OidcProvider`: a certified OpenID provider (npm `oidc-provider`) in a process of its own, with a resource that
//! wants its tokens. `scripts/need.sh oidc` installs it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A provider that runs; it ends with this.
///
/// | path | what it does |
/// |---|---|
/// | `/token` | issues tokens |
/// | `/resource` | 200 for a good token, with the client and the scope that it was issued for; else 401 |
/// | `POST /revoke-all` | makes all tokens that were issued useless |
/// | `/asked` | how many tokens were asked for |
/// | `POST /reg` | registers a client (RFC 7591) |
/// | `/agree/{uid}` | is the person: signs in, and agrees; with `?refuse=WORDS` refuses |
/// | `/agree-device?user_code=CODE` | the same for the code of another device |
#[derive(Debug)]
pub struct OidcProvider {
    child: Child,
    address: SocketAddr,
}

impl OidcProvider {
    /// Starts one whose tokens live for so many seconds.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start(life: u32) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/oidc-provider");
        assert!(
            folder.join("node_modules").exists(),
            "run scripts/need.sh oidc, which installs oidc-provider"
        );
        let mut child = Command::new("node")
            .arg("server.mjs")
            .arg(life.to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut origin).unwrap();
        let address = origin.trim().strip_prefix("http://").expect("it prints its origin").parse().unwrap();
        Self { child, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of something of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
