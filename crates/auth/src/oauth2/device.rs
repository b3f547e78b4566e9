//! How somebody agrees on another device (RFC 8628): a code to type in there, and the wait for whoever does.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::time::{Instant, sleep};
use trunkline_core::{Context, DeviceCode, Error, Kind, Outcome, Result, now_ms};

use super::{
    OAuth2,
    answer::{self, Answer, plain},
    endpoints::Endpoint,
    server::{Failed, How, Params, param},
};

/// How often it is asked whether somebody has agreed, unless the server says (section 3.2).
const INTERVAL: u64 = 5;
/// What a server that is asked too often adds to that (section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// No code is waited for longer.
const LONGEST: u64 = 3600;

/// The person who is waited for.
#[derive(Debug, Default)]
pub(super) struct Device(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Which wait this is: one that is not the last any more ends.
    turn: u64,
    /// Whether it goes on, or why it ended.
    pending: Option<Result<(), String>>,
    /// Nobody is waited for any more: another configuration has taken the place of this one.
    retired: bool,
}

/// What the device endpoint answers (section 3.2).
#[derive(Deserialize)]
struct Code {
    device_code: String,
    user_code: String,
    /// Google's name for it is older than the RFC.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    interval: Option<u64>,
}

impl Device {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody is waited for, or why that came to nothing.
    pub(super) fn pending(&self) -> Option<Result<(), String>> {
        self.state().pending.clone()
    }

    /// Waits for nobody any more.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        (state.turn, state.pending) = (state.turn + 1, None);
    }

    /// The same, for good.
    pub(super) fn retire(&self) {
        self.forget();
        self.state().retired = true;
    }

    /// Whether somebody is waited for.
    pub(super) fn is_waiting(&self) -> bool {
        self.state().pending == Some(Ok(()))
    }

    fn begin(&self) -> Result<u64> {
        let mut state = self.state();
        if state.retired {
            let message = "the configuration has been changed meanwhile; ask for another code";
            return Err(Error::new(Kind::Conflict, message));
        }
        (state.turn, state.pending) = (state.turn + 1, Some(Ok(())));
        Ok(state.turn)
    }

    fn end(&self, turn: u64, pending: Option<Result<(), String>>) {
        let mut state = self.state();
        if state.turn == turn {
            state.pending = pending;
        }
    }

    fn waits(&self, turn: u64) -> bool {
        let state = self.state();
        state.turn == turn && state.pending == Some(Ok(()))
    }
}

impl OAuth2 {
    pub(super) async fn ask_for_code(&self, context: &Context) -> Result<DeviceCode> {
        let server = self.server();
        if !matches!(server.how, How::Device) {
            let message = "grant_type: nobody agrees on another device with this one; set device_code";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let url = server.endpoints.need(context, Endpoint::Device).await?;
        let mut params: Params = server.scope.iter().map(|scope| param("scope", scope.as_str())).collect();
        params.extend_from_slice(&server.wanted);
        let told = |error: Error| {
            error.at("asking device_authorization_url for a code").outcome_is(Outcome::NotSent)
        };
        let mut refused = None;
        for &way in server.client.ways() {
            let (status, headers, body) = server.post(context, &url, &params, way).await.map_err(told)?;
            let fields = answer::fields(&headers, &body);
            if let Ok(Answer::Refused(refusal)) =
                answer::read(status, &headers, &body, &server.client.secrets(), &[])
            {
                refused = Some(refusal.explain());
                continue;
            }
            let code: Code = serde_json::from_value(fields.into()).map_err(|_| {
                let what = format!("the server answered {status} and no code; is this the device endpoint?");
                told(Error::new(Kind::Protocol, what))
            })?;
            server.client.took(way);
            let shown = DeviceCode {
                user_code: plain(&code.user_code),
                verification_uri: plain(&code.verification_uri),
                verification_uri_complete: code.verification_uri_complete.as_deref().map(plain),
                expires_in: code.expires_in.unwrap_or(LONGEST).min(LONGEST),
            };
            let turn = self.0.device.begin()?;
            let end = Instant::now() + Duration::from_secs(shown.expires_in);
            tokio::spawn(self.clone().wait_for_person(context.clone(), code, turn, end));
            return Ok(shown);
        }
        Err(refused.unwrap_or_else(|| Error::new(Kind::Internal, "a client has a way to show its secret")))
    }

    /// Asks again and again whether somebody has agreed, until they have, refuse, or the code has expired.
    async fn wait_for_person(self, context: Context, code: Code, turn: u64, end: Instant) {
        let mut interval = Duration::from_secs(code.interval.unwrap_or(INTERVAL).clamp(1, 60));
        let ended = loop {
            sleep(interval).await;
            if !self.0.device.waits(turn) {
                return;
            }
            if Instant::now() >= end {
                break Err(Error::new(
                    Kind::Rejected,
                    "the code expired before anybody typed it in; ask for another",
                ));
            }
            let params = vec![
                param("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                param("device_code", code.device_code.as_str()),
            ];
            match self.server().ask(&context, params).await {
                Ok(issued) if self.0.device.waits(turn) => break self.take(issued).await,
                Ok(_) => return,
                Err(Failed::Refused(refusal)) => match &*refusal.code {
                    "authorization_pending" => {}
                    "slow_down" => interval += SLOWER,
                    "expired_token" => {
                        let message = "the code expired before anybody typed it in; ask for another";
                        break Err(Error::new(Kind::Rejected, message));
                    }
                    "access_denied" => {
                        let message = format!("the person refused: {}", refusal.said());
                        break Err(Error::new(Kind::Forbidden, message));
                    }
                    _ => break Err(refusal.explain()),
                },
                // RFC 8628 section 3.5: slower where the server does not answer in time.
                Err(Failed::Unanswered { .. }) => interval = (interval * 2).min(Duration::from_secs(60)),
            }
        };
        self.server().note("connect", ended.as_ref().err().map(Error::kind));
        self.0.device.end(turn, ended.err().map(|error| Err(error.message().to_owned())));
    }

    async fn take(&self, issued: answer::Issued) -> Result<()> {
        self.adopt(self.server().keep.nothing().granted(issued, now_ms())).await
    }
}
